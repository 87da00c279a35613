from __future__ import annotations

import base64
import hashlib

import pytest

from emberwatch.parsing.hashes import HashShape, hash_shape

MD5 = hashlib.md5(b"x", usedforsecurity=False).hexdigest()
NTLM = "8846f7eaee8fb117ad06bdd830b7586c"
LM_EMPTY = "aad3b435b51404eeaad3b435b51404ee"
B53, B31, B22 = "a" * 53, "b" * 31, "c" * 22


@pytest.mark.parametrize(
    ("text", "types"),
    [
        (MD5, ("md5", "ntlm")),
        (MD5.upper(), ("md5", "ntlm")),
        (hashlib.sha1(b"x", usedforsecurity=False).hexdigest(), ("sha1",)),
        (hashlib.sha224(b"x").hexdigest(), ("sha224",)),
        (hashlib.sha256(b"x").hexdigest(), ("sha256",)),
        (hashlib.sha384(b"x").hexdigest(), ("sha384",)),
        (hashlib.sha512(b"x").hexdigest(), ("sha512",)),
        ("*" + "A" * 40, ("mysql41",)),
        (f"$2a$10${B53}", ("bcrypt",)),
        (f"$2y$12${B53}", ("bcrypt",)),
        ("$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g", ("argon2",)),
        (f"$P${B31}", ("phpass",)),
        (f"$H${B31}", ("phpass",)),
        (f"$1$saltsalt${B22}", ("md5crypt",)),
        (f"$apr1$saltsalt${B22}", ("apr1",)),
        ("$5$salt$" + "d" * 43, ("sha256crypt",)),
        ("$6$rounds=5000$salt$" + "e" * 86, ("sha512crypt",)),
        ("$y$j9T$salt$" + "f" * 43, ("yescrypt",)),
        ("{SSHA}" + base64.b64encode(b"s" * 28).decode(), ("ldap",)),
        ("{CRYPT}$1$saltsalt$xyz", ("ldap_crypt",)),
        ("pbkdf2_sha256$260000$salt$" + base64.b64encode(b"h" * 32).decode(), ("django_pbkdf2",)),
        ("sha1$salt$" + "0" * 40, ("django_sha1",)),
        ("scrypt:32768:8:1$salt$" + "0" * 128, ("werkzeug_scrypt",)),
        ("md5" + MD5, ("postgres_md5",)),
        ("SCRAM-SHA-256$4096:c2FsdA==$a2V5:a2V5", ("scram_sha256",)),
    ],
)
def test_a_hash_is_known_even_alone(text: str, types: tuple[str, ...]) -> None:
    assert hash_shape(text) == HashShape(types, text)


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("0123456789abcdef", ("mysql323", "half_md5")),
        (base64.b64encode(b"d" * 16).decode(), ("md5_base64",)),
        (base64.b64encode(b"d" * 20).decode(), ("sha1_base64",)),
        (base64.b64encode(b"d" * 32).decode(), ("sha256_base64",)),
    ],
)
def test_weak_shapes_need_company(text: str, types: tuple[str, ...]) -> None:
    assert hash_shape(text) is None
    assert hash_shape(text, mostly_hashes=True) == HashShape(types, text)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (f"{MD5}:a1B", HashShape(("md5",), MD5, "a1B")),
        (f"a1B:{MD5}", HashShape(("md5",), MD5, "a1B")),
        (f"{MD5};x:y", HashShape(("md5",), MD5, "x:y")),
        (f"{LM_EMPTY}:{NTLM}", HashShape(("ntlm",), NTLM)),
        (f"1001:{LM_EMPTY}:{NTLM}:::", HashShape(("ntlm",), NTLM)),
    ],
)
def test_salts_and_pairs_are_told_apart(text: str, shape: HashShape) -> None:
    assert hash_shape(text) == shape


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Xk2:9q",
        "hunter2",
        MD5[:31],
        MD5 + "g",
        MD5 + "00",
        "$2a$10$short",
        f"{MD5}:" + "s" * 33,
        "rOj6V0iVDMtnM",
    ],
)
def test_a_password_stays_a_password(text: str) -> None:
    assert hash_shape(text, mostly_hashes=True) is None


def test_a_hash_cannot_be_seen_in_a_representation() -> None:
    assert MD5 not in repr(hash_shape(MD5))
