"""What an admin may upload as a certificate, and the sentence for what cannot be one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat, load_pem_private_key

from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.directories.entra.certificates import read_certificate, signing_key, thumbprint_of
from tests.unit.directories.desk import NOW
from tests.unit.directories.keys import PASSWORD, elliptic_key, make_keys, rsa_key

KEYS = make_keys()


@pytest.mark.parametrize(
    ("data", "password"),
    [
        (KEYS.pfx(), ""),
        (KEYS.pfx(PASSWORD), PASSWORD),
        (KEYS.pem(), ""),
        (KEYS.pem(key_first=False), ""),
        (KEYS.pem(PASSWORD), PASSWORD),
        (KEYS.pem(PASSWORD, key_first=False), PASSWORD),
        (KEYS.private_pem(form=PrivateFormat.TraditionalOpenSSL) + KEYS.public_pem.encode(), ""),
        (b"Bag Attributes\n  friendlyName: x\n" + KEYS.pem(), ""),
        (KEYS.pem().replace(b"\n", b"\r\n"), ""),
        # A password that the file does not need is no fault.
        (KEYS.pem(), PASSWORD),
        (make_keys(key=rsa_key(2048, 1)).public_pem.encode() + KEYS.pem(), ""),
    ],
)
def test_every_form_gives_the_same_key(data: bytes, password: str) -> None:
    read = read_certificate(data, Secret(password), NOW)
    assert read.thumbprint == KEYS.thumbprint == thumbprint_of(read.pem).hex().upper()
    assert read.ends_at == KEYS.certificate.not_valid_after_utc
    assert signing_key(read.pem).key.private_numbers() == rsa_key().private_numbers()
    # What is stored needs no password any more.
    assert load_pem_private_key(read.pem.expose().encode(), None)


@pytest.mark.parametrize(
    ("data", "password", "field", "sentence"),
    [
        (b"not a certificate at all", "", "certificate", "neither a PFX nor a PEM"),
        (b"", "", "certificate", "neither a PFX nor a PEM"),
        (b"\x30\x82\x01\x01 and then rubbish", "", "certificate", "neither a PFX nor a PEM"),
        (KEYS.cer, "", "certificate", "neither a PFX nor a PEM"),
        (KEYS.public_pem.encode(), "", "certificate", "without its private key"),
        (KEYS.private_pem(), "", "certificate", "holds no certificate"),
        (KEYS.pfx(PASSWORD), "", "certificate_password", "protected by a password"),
        (KEYS.pfx(PASSWORD), "another", "certificate_password", "does not open the file"),
        (KEYS.pem(PASSWORD), "", "certificate_password", "protected by a password"),
        (KEYS.pem(PASSWORD), "another", "certificate_password", "does not open the file"),
        (make_keys(ends=timedelta(days=-1)).pfx(), "", "certificate", "ended on 2026-05-31"),
        (
            make_keys(begins=timedelta(days=1), ends=timedelta(days=9)).pfx(),
            "",
            "certificate",
            "not valid before 2026-06-02",
        ),
        (make_keys(key=elliptic_key()).pfx(), "", "certificate", "RSA keys only"),
        (make_keys(key=rsa_key(1024)).pfx(), "", "certificate", "has 1024 bits"),
        (
            KEYS.private_pem() + make_keys(key=rsa_key(2048, 1)).public_pem.encode(),
            "",
            "certificate",
            "does not belong",
        ),
        (
            KEYS.public_pem.encode() + b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "",
            "certificate",
            "cannot be read",
        ),
        (
            KEYS.private_pem() + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "",
            "certificate",
            "cannot be read",
        ),
        (b"\x30" * 70_000, "", "certificate", "too large"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(data: bytes, password: str, field: str, sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_certificate(data, Secret(password), NOW)
    assert sentence in caught.value.message
    assert caught.value.field == field
    assert caught.value.__cause__ is None
    assert PASSWORD not in str(caught.value)


def test_a_certificate_is_told_from_what_it_should_be() -> None:
    with pytest.raises(BadInput, match="upload the PFX that it was made with"):
        read_certificate(KEYS.cer, Secret(""), NOW)


def test_nothing_of_the_key_can_be_seen() -> None:
    read = read_certificate(KEYS.pfx(), Secret(""), NOW)
    assert "PRIVATE" not in repr(read)
    assert "RSAPrivate" not in repr(signing_key(read.pem))
