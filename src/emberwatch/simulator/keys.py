"""The token service's own key: it signs tokens, publishes the public part and checks tokens again."""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

TOKEN_SECONDS: Final = 3599
_PUBLISHED, _OWN = "RS256", "HS256"
# The library's own time checks read the real clock, and ours may have been moved: callers check the claims.
SIGNATURE_ONLY: Final[Any] = {
    f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
}


def b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class BadToken(Exception):
    """A bearer token that Graph does not accept; the message says why."""


class TokenKey:
    """An RSA key made at start; tokens of another server, or of an earlier run, are not valid here."""

    def __init__(self) -> None:
        self._seal = secrets.token_bytes(32)
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = self._key.public_key().public_numbers()
        self._modulus = b64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"))
        self._exponent = b64url(numbers.e.to_bytes(3, "big"))
        # A client sends the same token with every request.
        self._signed = lru_cache(maxsize=64)(self._decode)
        self.id = b64url(hashlib.sha256(self._modulus.encode()).digest()[:20])

    def jwks(self, issuer: str) -> dict[str, Any]:
        """The key set document."""
        key = {"kty": "RSA", "use": "sig", "kid": self.id, "x5t": self.id, "n": self._modulus}
        return {"keys": [{**key, "e": self._exponent, "issuer": issuer}]}

    def sign(self, claims: Mapping[str, Any], now: datetime, seconds: int = TOKEN_SECONDS) -> str:
        """A token with these claims that ends after so many seconds, for anybody to check."""
        return jwt.encode(_dated(claims, now, seconds), self._key, _PUBLISHED, headers={"kid": self.id})

    def seal(self, claims: Mapping[str, Any], now: datetime) -> str:
        """The same for us alone to check, and a hundred times cheaper: clients must not look into such a token."""
        return jwt.encode(_dated(claims, now), self._seal, _OWN)

    def verify(self, token: str, *, audiences: frozenset[str], now: datetime) -> dict[str, Any]:
        """The claims of a token of ours, or :class:`BadToken`."""
        try:
            claims = self._signed(token)
        except jwt.InvalidTokenError as error:
            raise BadToken(f"the token cannot be read: {type(error).__name__}") from None
        if claims.get("aud") not in audiences:
            raise BadToken("the token is for another audience")
        if not claims.get("nbf", 0) - 300 <= now.timestamp() < claims.get("exp", 0):
            raise BadToken("the token is expired or not valid yet")
        return dict(claims)

    def _decode(self, token: str) -> dict[str, Any]:
        # Each algorithm has a key of its own: what is public never counts as a shared secret.
        sealed = jwt.get_unverified_header(token).get("alg") == _OWN
        key, algorithm = (self._seal, _OWN) if sealed else (self._key.public_key(), _PUBLISHED)
        return dict(jwt.decode(token, key, algorithms=[algorithm], options=SIGNATURE_ONLY))


def _dated(claims: Mapping[str, Any], now: datetime, seconds: int = TOKEN_SECONDS) -> dict[str, Any]:
    start = int(now.timestamp())
    times = {"iat": start, "nbf": start, "exp": start + seconds}
    return {**times, "uti": b64url(uuid.uuid4().bytes), "ver": "1.0", **claims}
