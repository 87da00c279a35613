"""A certificate made for one test run, and a world in which it and a secret are registered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from emberwatch.simulator import (
    AppScenario,
    CertificateScenario,
    DirectoryScenario,
    DomainScenario,
    FederatedScenario,
    Scenario,
    SecretScenario,
    UserScenario,
)

DIRECTORY_ID = "11111111-2222-4333-8444-555555555555"
CLIENT_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SECRET = "Qw8~invented-client-secret-value.0123456"


@dataclass(frozen=True)
class Keys:
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls) -> Self:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "emberwatch")])
        now = datetime.now(UTC)
        draft = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        dated = draft.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        return cls(key, dated.serial_number(x509.random_serial_number()).sign(key, hashes.SHA256()))

    @property
    def public_pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def private_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def pfx(self) -> bytes:
        return pkcs12.serialize_key_and_certificates(
            b"emberwatch", self.key, self.certificate, None, NoEncryption()
        )

    @property
    def sha1_thumbprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex()  # noqa: S303 — the protocol's own thumbprint


def world(keys: Keys, *federated: FederatedScenario) -> Scenario:
    app = AppScenario(
        client_id=CLIENT_ID,
        secrets=(SecretScenario(value=SECRET),),
        certificates=(CertificateScenario(pem=keys.public_pem),),
        federated=federated,
        granted_roles=("Directory.Read.All",),
        consented_scopes=("openid",),
    )
    directory = DirectoryScenario(
        id=DIRECTORY_ID,
        name="Corp",
        domains=(DomainScenario(name="corp.example", default=True),),
        apps=(app,),
        users=(UserScenario(upn="ann@corp.example", password="Correct-Horse-1"),),
    )
    return Scenario(directories=(directory,))
