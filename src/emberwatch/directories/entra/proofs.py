"""How our application proves to Entra ID who it is, for its own token and for sign-ins alike.

A certificate signs a fresh assertion for every request; a federated token is the platform's own assertion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from msal.oauth2cli import JwtAssertionCreator

from emberwatch.core.clock import Clock
from emberwatch.directories.base import (
    AppKey,
    ClientCertificate,
    ClientSecret,
    DirectoryMisconfigured,
    FederatedToken,
)
from emberwatch.directories.entra.certificates import SigningKey, signing_key
from emberwatch.directories.entra.faults import NO_FEDERATED_TOKEN

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LARGEST_TOKEN: Final = 64 * 1024
_LASTS: Final = timedelta(minutes=10)
# A directory whose clock is a little behind ours must not find the assertion's beginning in its future.
_BEGINS_BEFORE: Final = timedelta(minutes=1)


@dataclass(eq=False)
class Prover:
    """Proves with one key. ``audience`` is the token endpoint that the proof is for."""

    key: AppKey
    client_id: UUID
    audience: str
    clock: Clock = field(repr=False)

    def form_fields(self) -> dict[str, str]:
        """The fields of a token request that prove who asks.

        Raises :class:`DirectoryMisconfigured` when the platform has no token for us.
        """
        proof = self.key.proof
        if isinstance(proof, ClientSecret):
            return {"client_secret": proof.value.expose()}
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion()}

    def msal_credential(self) -> str | Mapping[str, Callable[[], str]]:
        """The same for MSAL, which asks for an assertion each time that it needs one."""
        proof = self.key.proof
        if isinstance(proof, ClientSecret):
            return proof.value.expose()
        return {"client_assertion": self.assertion}

    def assertion(self) -> str:
        proof = self.key.proof
        if isinstance(proof, FederatedToken):
            return _platform_token(proof)
        signing = self._signing
        # SHA-256 and PS256, as MSAL does; SHA-1 thumbprints are deprecated.
        creator = JwtAssertionCreator(signing.key, "PS256", sha256_thumbprint=signing.sha256)
        signed: bytes = creator.create_normal_assertion(
            self.audience, str(self.client_id), **_times(self.clock())
        )
        return signed.decode()

    @cached_property
    def _signing(self) -> SigningKey:
        # Opening a private key takes longer than signing with it.
        proof = self.key.proof
        if not isinstance(proof, ClientCertificate):
            raise TypeError("only a certificate signs")
        return signing_key(proof.pem)


def _times(now: datetime) -> dict[str, Any]:
    return {
        "issued_at": now.timestamp(),
        "not_before": (now - _BEGINS_BEFORE).timestamp(),
        "expires_at": (now + _LASTS).timestamp(),
    }


def _platform_token(proof: FederatedToken) -> str:
    # Read each time: the platform replaces the file before the token in it ends.
    try:
        with proof.path.open("r", encoding="ascii") as file:
            token = file.read(_LARGEST_TOKEN).strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if not token:
        raise DirectoryMisconfigured(NO_FEDERATED_TOKEN.sentence, remedy=NO_FEDERATED_TOKEN.remedy)
    return token
