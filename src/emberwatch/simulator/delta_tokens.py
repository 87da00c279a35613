"""The state tokens of delta queries: everything that a next request has to know, sealed and opaque."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import zlib
from dataclasses import asdict, dataclass
from typing import Final

_SIGNATURE_BYTES: Final = 12


class BadStateToken(Exception):
    """The token was never one."""


class UnknownStateToken(Exception):
    """The token belongs to another server, or to one that has been started anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaState:
    """Where a client stands in a round of change tracking."""

    kind: str
    """``users`` or ``groups``."""
    directory: str
    select: tuple[str, ...]
    """Empty: everything is tracked."""
    ids: tuple[str, ...]
    """Empty: all objects."""
    first: bool
    """The round that tells of everything there is; the others tell of changes."""
    since: int
    """The change after which this round's changes begin."""
    until: int
    """The last change of this round; the next round begins behind it."""
    place: int = 0
    """Behind which object's number, or which change, the page begins."""
    unfinished: str = ""
    """The object whose links did not fit, and so come first on the page …"""
    links: int = 0
    """… from behind this link's number on."""
    epoch: int = 0
    issued: float = 0.0
    page: bool = False
    """A ``$skiptoken``, not a ``$deltatoken``."""
    blank: bool = False
    """An empty page stands before this one, and was sent."""


def seal(state: DeltaState, key: bytes) -> str:
    """The token of a state."""
    raw = zlib.compress(json.dumps(asdict(state), separators=(",", ":")).encode())
    return base64.urlsafe_b64encode(_signature(raw, key) + raw).rstrip(b"=").decode()


def unseal(token: str, key: bytes) -> DeltaState:
    """The state of a token, or the reason why there is none."""
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        content = json.loads(zlib.decompress(sealed[_SIGNATURE_BYTES:]))
    except (binascii.Error, ValueError, zlib.error):
        raise BadStateToken from None
    if not hmac.compare_digest(sealed[:_SIGNATURE_BYTES], _signature(sealed[_SIGNATURE_BYTES:], key)):
        raise UnknownStateToken
    return DeltaState(**{**content, "select": tuple(content["select"]), "ids": tuple(content["ids"])})


def _signature(raw: bytes, key: bytes) -> bytes:
    return hmac.digest(key, raw, "sha256")[:_SIGNATURE_BYTES]
