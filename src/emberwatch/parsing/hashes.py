"""Is a secret a password or a hash, and of which types: decided by shape, and by the company it keeps.

A bare hex digest counts as a hash even alone among plain passwords: trying it would only burn an attempt.
Shapes that passwords may well have count only in a file whose secrets are mostly hashes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from emberwatch.core.patterns import lazy

_B64: Final = "[A-Za-z0-9+/]"
_CRYPT: Final = "[./A-Za-z0-9]"

_STRONG: Final = tuple(
    (lazy(pattern), types)
    for pattern, types in (
        (r"[0-9a-fA-F]{32}", ("md5", "ntlm")),
        (r"[0-9a-fA-F]{40}", ("sha1",)),
        (r"[0-9a-fA-F]{56}", ("sha224",)),
        (r"[0-9a-fA-F]{64}", ("sha256",)),
        (r"[0-9a-fA-F]{96}", ("sha384",)),
        (r"[0-9a-fA-F]{128}", ("sha512",)),
        (r"\*[0-9A-F]{40}", ("mysql41",)),
        (rf"\$2[abxy]\$\d\d\${_CRYPT}{{53}}", ("bcrypt",)),
        (r"\$argon2(?:i|d|id)\$.{20,}", ("argon2",)),
        (rf"\$[PH]\${_CRYPT}{{31}}", ("phpass",)),
        (rf"\$1\$[^$]{{0,8}}\${_CRYPT}{{22}}", ("md5crypt",)),
        (rf"\$apr1\$[^$]{{0,8}}\${_CRYPT}{{22}}", ("apr1",)),
        (rf"\$5\$(?:rounds=\d+\$)?[^$]{{0,16}}\${_CRYPT}{{43}}", ("sha256crypt",)),
        (rf"\$6\$(?:rounds=\d+\$)?[^$]{{0,16}}\${_CRYPT}{{86}}", ("sha512crypt",)),
        (rf"\$y\${_CRYPT}+\${_CRYPT}*\${_CRYPT}{{43}}", ("yescrypt",)),
        (rf"\$7\${_CRYPT}{{11,}}\${_CRYPT}{{43}}", ("scrypt",)),
        (rf"\{{(?i:SSHA|SHA|SMD5|MD5)(?:256|384|512)?\}}{_B64}{{20,}}={{0,2}}", ("ldap",)),
        (r"\{(?i:CRYPT)\}.{13,}", ("ldap_crypt",)),
        (rf"pbkdf2_sha(?:1|256|512)\$\d+\$[^$]+\${_B64}{{20,}}={{0,2}}", ("django_pbkdf2",)),
        (r"sha1\$[^$]*\$[0-9a-f]{40}", ("django_sha1",)),
        (r"scrypt:\d+:\d+:\d+\$[^$]+\$[0-9a-f]{64,}", ("werkzeug_scrypt",)),
        (r"pbkdf2:sha\d+(?::\d+)?\$[^$]+\$[0-9a-f]{40,}", ("werkzeug_pbkdf2",)),
        (r"md5[0-9a-f]{32}", ("postgres_md5",)),
        (rf"SCRAM-SHA-256\$\d+:{_B64}+={{0,2}}\${_B64}+={{0,2}}:{_B64}+={{0,2}}", ("scram_sha256",)),
    )
)

_WEAK: Final = tuple(
    (lazy(pattern), types)
    for pattern, types in (
        (r"[0-9a-fA-F]{16}", ("mysql323", "half_md5")),
        (rf"{_B64}{{22}}==", ("md5_base64",)),
        (rf"{_B64}{{27}}=", ("sha1_base64",)),
        (rf"{_B64}{{43}}=", ("sha256_base64",)),
    )
)

_NTLM_PAIR: Final = lazy(
    r"(?:\d{1,10}:)?(?:aad3b435b51404ee[0-9a-f]{16}|[0-9A-F]{32}):([0-9a-f]{32}|[0-9A-F]{32})(?:::.*)?",
    re.IGNORECASE,
)
_BARE_HEX: Final = r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128}"
_HASH_SALT: Final = lazy(rf"(?P<hash>{_BARE_HEX})[:;|\t ,](?P<salt>.{{1,32}})")
_SALT_HASH: Final = lazy(rf"(?P<salt>[^:;|\t]{{1,32}})[:;|\t ,](?P<hash>{_BARE_HEX})")
_OPAQUE: Final = lazy(r"[0-9A-Za-z+/.$*:=_{}-]{13,512}")
_LM_HALF: Final = "aad3b435b51404ee"
# Every hash below holds one of these: most passwords are done with here.
_OUTLINE: Final = lazy(r"[0-9a-fA-F]{16}|[$*{=]")
_LONGEST_PLAIN_CHECK: Final = 2048


@dataclass(frozen=True, slots=True, repr=False)
class HashShape:
    """A hash as found, cut from its salt."""

    types: tuple[str, ...]
    digest: str
    salt: str | None = None


def hash_shape(secret: str, *, mostly_hashes: bool = False) -> HashShape | None:
    """The hash that ``secret`` is, or ``None`` for a plain password."""
    if not 16 <= len(secret) <= _LONGEST_PLAIN_CHECK:
        return None
    if _OUTLINE.search(secret) is None:
        return None
    tables = _STRONG + _WEAK if mostly_hashes else _STRONG
    for pattern, types in tables:
        if pattern.fullmatch(secret):
            return HashShape(types, secret)
    return _ntlm_pair(secret) or _salted(secret)


def opaque_hash(secret: str) -> HashShape | None:
    """A hash of no known type, told only by the column that it stood in and by its outline."""
    return HashShape((), secret) if _OPAQUE.fullmatch(secret) else None


def _ntlm_pair(secret: str) -> HashShape | None:
    found = _NTLM_PAIR.fullmatch(secret)
    if found is None or not (_LM_HALF in secret.lower() or ":::" in secret):
        return None
    return HashShape(("ntlm",), found[1])


def _salted(secret: str) -> HashShape | None:
    found = _HASH_SALT.fullmatch(secret) or _SALT_HASH.fullmatch(secret)
    if found is None:
        return None
    whole = hash_shape(found["hash"])
    types = whole.types if whole else ()
    return HashShape(tuple(t for t in types if t != "ntlm"), found["hash"], found["salt"])
