"""AES-256-GCM with associated data, and the keys derived from one data key. Pure: bytes in, bytes out.

A sealed value is ``version (1 byte) · nonce (12 bytes) · ciphertext and tag``. The associated data names
the scope and the row, so a value moved to another row or tenant does not open.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from emberwatch.core.errors import EmberwatchError
from emberwatch.core.secret import Secret

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSION: Final = b"\x01"


class VaultError(EmberwatchError):
    """A sealed value does not open: wrong key, moved row, or damaged bytes."""


@lru_cache(maxsize=256)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def encrypt(key: bytes, plaintext: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + _cipher(key).encrypt(nonce, plaintext, context)


def decrypt(key: bytes, sealed: bytes, context: bytes) -> bytes:
    if sealed[:1] != _VERSION:
        raise VaultError("A sealed value has an unknown format.")
    nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return _cipher(key).decrypt(nonce, body, context)
    except (InvalidTag, ValueError):
        raise VaultError("A sealed value does not open with the key of its place.") from None


def derive(key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(key)


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals and opens values of one scope (a tenant, or the installation).

    ``context`` names the row and column that a value belongs to, such as ``credential:<id>``.
    """

    scope: str
    _seal_key: bytes = field(repr=False)
    _mac_key: bytes = field(repr=False)

    @classmethod
    def from_data_key(cls, scope: str, data_key: bytes) -> Vault:
        return cls(scope, derive(data_key, "emberwatch seal"), derive(data_key, "emberwatch fingerprint"))

    def seal(self, secret: Secret, context: str) -> bytes:
        return self.seal_bytes(secret.expose().encode("utf-8", "surrogatepass"), context)

    def open(self, sealed: bytes, context: str) -> Secret:
        return Secret(self.open_bytes(bytes(sealed), context).decode("utf-8", "surrogatepass"))

    def seal_bytes(self, plaintext: bytes, context: str) -> bytes:
        return encrypt(self._seal_key, plaintext, self._bind(context))

    def open_bytes(self, sealed: bytes, context: str) -> bytes:
        return decrypt(self._seal_key, sealed, self._bind(context))

    def fingerprint(self, *parts: str | Secret) -> bytes:
        """A keyed hash (HMAC-SHA-256, 32 bytes) of the parts; equal input gives equal output in one scope."""
        told = bytearray()
        for part in parts:
            text = part.expose() if isinstance(part, Secret) else part
            data = text.encode("utf-8", "surrogatepass")
            told += len(data).to_bytes(8, "big") + data
        return hmac.digest(self._mac_key, told, "sha256")

    def _bind(self, context: str) -> bytes:
        return f"{self.scope}|{context}".encode()
