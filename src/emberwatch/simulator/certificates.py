"""Registered certificates, ready to verify client assertions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from emberwatch.simulator.keys import SIGNATURE_ONLY, b64url
from emberwatch.simulator.scenario import CertificateScenario, ScenarioError, stable_id


@dataclass(frozen=True, slots=True)
class Certificate:
    thumbprints: frozenset[str]
    """SHA-1 and SHA-256 of the certificate, as assertions name them."""
    sha1: str
    """The thumbprint as portals show it."""
    not_before: datetime
    not_after: datetime
    key_id: str
    display_name: str
    answer: int | None
    public_key: Any

    @classmethod
    def load(cls, scenario: CertificateScenario, path: str) -> Self:
        try:
            read = x509.load_pem_x509_certificate(scenario.pem.encode())
        except ValueError:
            raise ScenarioError(f"{path}: a certificate's pem cannot be read", field=path) from None
        der = read.public_bytes(Encoding.DER)
        digests = (hashlib.sha1(der, usedforsecurity=False), hashlib.sha256(der))
        subject = read.subject.rfc4514_string()
        return cls(
            thumbprints=frozenset(b64url(digest.digest()) for digest in digests),
            sha1=digests[0].hexdigest().upper(),
            key_id=scenario.key_id or stable_id(f"certificate {digests[1].hexdigest()}"),
            display_name=scenario.display_name or subject,
            not_before=read.not_valid_before_utc,
            not_after=read.not_valid_after_utc,
            answer=scenario.answer,
            public_key=read.public_key(),
        )

    def is_valid(self, now: datetime) -> bool:
        return self.not_before <= now <= self.not_after

    def verifies(self, assertion: str) -> bool:
        """Whether this certificate's key signed the assertion; times and audience are unchecked."""
        try:
            jwt.decode(assertion, self.public_key, algorithms=["RS256", "PS256"], options=SIGNATURE_ONLY)
        except jwt.InvalidTokenError:
            return False
        return True
