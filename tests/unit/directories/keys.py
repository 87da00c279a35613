"""Certificates made for one test run, in every form that people upload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from tests.unit.directories.desk import NOW

PASSWORD = "opens-the-file"


@cache
def rsa_key(bits: int = 2048, _which: int = 0) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def elliptic_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Keys:
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def cer(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def public_pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def private_pem(self, password: str = "", form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
        return self.key.private_bytes(Encoding.PEM, form, _encryption(password))

    def pem(self, password: str = "", *, key_first: bool = True) -> bytes:
        parts = [self.private_pem(password), self.public_pem.encode()]
        return b"".join(parts if key_first else reversed(parts))

    def pfx(self, password: str = "") -> bytes:
        return pkcs12.serialize_key_and_certificates(
            b"emberwatch", self.key, self.certificate, None, _encryption(password)
        )

    @property
    def thumbprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - the portal's name for it


def _encryption(password: str) -> KeySerializationEncryption:
    return BestAvailableEncryption(password.encode()) if password else NoEncryption()


def make_keys(
    *,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
    begins: timedelta = timedelta(days=-30),
    ends: timedelta = timedelta(days=365),
    now: datetime = NOW,
) -> Keys:
    own = key or rsa_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "emberwatch.example")])
    draft = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(own.public_key())
    dated = draft.not_valid_before(now + begins).not_valid_after(now + ends)
    return Keys(own, dated.serial_number(x509.random_serial_number()).sign(own, hashes.SHA256()))
