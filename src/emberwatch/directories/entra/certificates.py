"""Reads the certificate that an admin uploads: PFX, or PEM with its private key. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)

from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret

CERTIFICATE: Final = "certificate"
CERTIFICATE_PASSWORD: Final = "certificate_password"  # noqa: S105 - a field's name
LARGEST_FILE: Final = 64 * 1024
SMALLEST_KEY: Final = 2048

_PEM: Final = b"-----BEGIN "
_PEM_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
_PEM_KEY: Final = b"PRIVATE KEY-----"
_RENEW: Final = "Make a new certificate and register it under Certificates & secrets → Certificates."

Parts: TypeAlias = tuple[object, list[x509.Certificate]]


@dataclass(frozen=True, slots=True)
class ReadCertificate:
    """``pem``: the private key and its certificate, without a password. The key itself leaves in nothing else."""

    pem: Secret = field(repr=False)
    thumbprint: str
    """SHA-1 in hexadecimal, as the portal shows it."""
    not_before: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What an assertion is signed with, and the certificate's SHA-256 that names it."""

    key: RSAPrivateKey = field(repr=False)
    sha256: str


def read_certificate(data: bytes, password: Secret, now: datetime) -> ReadCertificate:
    """Raises :class:`BadInput` with the first thing that is wrong; no message holds anything of the file."""
    if len(data) > LARGEST_FILE:
        raise _bad("The file is too large for a certificate.")
    given = password.expose().encode() or None
    key, certificates = _pem_parts(data, given) if _PEM in data else _pfx_parts(data, given)
    checked = _rsa(key)
    own = next((each for each in certificates if _belongs(each, checked)), None)
    if own is None:
        raise _bad("The private key in the file does not belong to the certificate.")
    _check_dates(own, now)
    return ReadCertificate(
        pem=Secret(_pem_of(checked, own)),
        thumbprint=own.fingerprint(SHA1()).hex().upper(),  # noqa: S303 - the portal's own name for it
        not_before=own.not_valid_before_utc,
        ends_at=own.not_valid_after_utc,
    )


def signing_key(pem: Secret) -> SigningKey:
    """Opens what :func:`read_certificate` gave."""
    text = pem.expose().encode()
    certificate = x509.load_pem_x509_certificate(text)
    return SigningKey(_rsa(load_pem_private_key(text, None)), certificate.fingerprint(SHA256()).hex())


def thumbprint_of(pem: Secret) -> bytes:
    certificate = x509.load_pem_x509_certificate(pem.expose().encode())
    return certificate.fingerprint(SHA1())  # noqa: S303 - the portal's own name for it


def _bad(message: str, remedy: str = "", field: str = CERTIFICATE) -> BadInput:
    return BadInput(message, remedy=remedy, field=field)


def _pem_parts(data: bytes, password: bytes | None) -> Parts:
    if _PEM_CERTIFICATE not in data:
        raise _bad("The file holds no certificate.", "A PEM file needs the certificate and its private key.")
    if _PEM_KEY not in data:
        raise _bad(
            "The file holds a certificate without its private key.",
            "The .cer file is what Entra ID gets; Emberwatch needs the PFX, or a PEM with both.",
        )
    certificates = _read(lambda: x509.load_pem_x509_certificates(data), "The certificate cannot be read.")
    # A certificate before the key must not be taken for the key's own text.
    text = data[data.rindex(_PEM, 0, data.index(_PEM_KEY)) :]
    if password and b"ENCRYPTED" not in text.partition(b"-----END")[0]:
        password = None
    try:
        return load_pem_private_key(text, password), certificates
    except TypeError:
        raise _needs_password() from None
    except (ValueError, UnsupportedAlgorithm):
        raise _wrong_password(password, "The private key cannot be read.") from None


def _pfx_parts(data: bytes, password: bytes | None) -> Parts:
    if not data.startswith(b"\x30"):
        raise _bad("This is neither a PFX nor a PEM file.", "Upload a .pfx, or a .pem with the private key.")
    try:
        key, certificate, more = pkcs12.load_key_and_certificates(data, password)
    except ValueError as error:
        if "password" in str(error).lower():
            raise (_wrong_password(password, "") if password else _needs_password()) from None
        raise _bad("This is neither a PFX nor a PEM file.", _cer_hint(data)) from None
    except UnsupportedAlgorithm:
        raise _bad("The PFX file is protected in a way that is not supported.") from None
    if key is None or certificate is None:
        raise _bad("The PFX file does not hold both a certificate and its private key.")
    return key, [certificate, *more]


def _cer_hint(data: bytes) -> str:
    try:
        x509.load_der_x509_certificate(data)
    except ValueError:
        return "Upload a .pfx, or a .pem with the private key."
    return "It is a certificate without its private key: upload the PFX that it was made with."


def _read(load: Callable[[], list[x509.Certificate]], message: str) -> list[x509.Certificate]:
    try:
        return load()
    except ValueError:
        raise _bad(message) from None


def _needs_password() -> BadInput:
    return _bad("The file is protected by a password.", "Enter it too.", CERTIFICATE_PASSWORD)


def _wrong_password(password: bytes | None, otherwise: str) -> BadInput:
    if password is None:
        return _bad(otherwise)
    return _bad("The password does not open the file.", field=CERTIFICATE_PASSWORD)


def _rsa(key: object) -> RSAPrivateKey:
    if not isinstance(key, RSAPrivateKey):
        raise _bad("Entra ID accepts certificates with RSA keys only.", _RENEW)
    if key.key_size < SMALLEST_KEY:
        raise _bad(f"The key has {key.key_size} bits; it needs at least {SMALLEST_KEY}.", _RENEW)
    return key


def _belongs(certificate: x509.Certificate, key: RSAPrivateKey) -> bool:
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)


def _check_dates(certificate: x509.Certificate, now: datetime) -> None:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if end <= now:
        raise _bad(f"The certificate ended on {end.astimezone(UTC):%Y-%m-%d}.", _RENEW)
    if begin > now:
        raise _bad(
            f"The certificate is not valid before {begin.astimezone(UTC):%Y-%m-%d %H:%M} UTC.",
            "Check the clock of this machine.",
        )


def _pem_of(key: RSAPrivateKey, certificate: x509.Certificate) -> str:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (private + certificate.public_bytes(Encoding.PEM)).decode()
