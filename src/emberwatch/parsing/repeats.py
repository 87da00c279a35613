"""Finds what one leak holds twice: logs carry credentials per browser and once more in an aggregate."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

from emberwatch.parsing.base import Flag, ParsedCredential


class Repeats:
    """Marks every further appearance of one (machine, login, secret, url) within one leak.

    Only keyed digests are held, with a key that nobody keeps: no plaintext stays in memory for it.
    """

    __slots__ = ("_key", "_seen")

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._seen: set[bytes] = set()

    def mark(self, credential: ParsedCredential, machine: str) -> ParsedCredential:
        digest = self._digest(credential, machine)
        if digest in self._seen:
            return replace(credential, flags=(*credential.flags, Flag.REPEATED))
        self._seen.add(digest)
        return credential

    def _digest(self, credential: ParsedCredential, machine: str) -> bytes:
        salt = credential.salt.expose() if credential.salt else ""
        parts = (machine, credential.login.casefold(), credential.secret.expose(), salt, credential.url)
        joined = hashlib.blake2b(key=self._key, digest_size=16)
        for part in parts:
            data = part.encode("utf-8", "surrogatepass")
            joined.update(len(data).to_bytes(8, "big") + data)
        return joined.digest()
