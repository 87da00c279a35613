"""Every place that reads a plaintext is named here, with its reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[2] / "src" / "emberwatch"

READERS: Final = {
    "vault/crypto.py": "seals, opens and fingerprints",
    "vault/keyring.py": "parses the key ring",
    "exposures/features.py": "length and character classes for the mask",
    "directories/entra/sign_in.py": "the sign-in call",
    "directories/entra/actions.py": "a random password that nobody is told, into the request that sets it",
    "directories/entra/proofs.py": "our own client secret, for our own token and for the sign-in call",
    "directories/entra/certificates.py": "reads an uploaded certificate, and opens its key to sign with it",
    "directories/entra/registration.py": "a secret's first characters, to find its end in the app registration",
    "directories/keys.py": "whether a key was given at all, and the certificate's file before it is sealed",
    "directories/entra/shapes.py": "checks the shape of a pasted client secret",
    "config/settings.py": "Django's session key and the database address",
    "accounts/services.py": "hashes tokens and sets a person's own password",
    "ingestion/context.py": "joins the passwords of protected archives before they are sealed",
    "parsing": "reads leaked lines before they are sealed",
    "sources/containers/passwords.py": "tries the given passwords on protected archives",
    "sources/reader/wire.py": "what the archive reader parsed, over its pipe to the process that started it",
    "channels": "the channels' own secrets, into the request that they prove; never a leaked password",
    "alerts/delivering.py": "opens the sealed secrets of a channel for the try that needs them",
    "alerts/services.py": "joins the secrets of a channel before they are sealed",
    "cli": "prints what was revealed with a reason, and a token once",
    "web": "shows what was revealed with a reason, and a link or token once",
    "api": "reads the bearer token and a connection's new secret",
    "simulator": "invented passwords of an invented directory",
}


def _readers() -> set[str]:
    files = PACKAGE.rglob("*.py")
    return {str(f.relative_to(PACKAGE)) for f in files if re.search(r"\.expose\(\)", f.read_text("utf-8"))}


def _allowed(path: str) -> bool:
    return path in READERS or path.split("/")[0] in READERS


def test_only_named_places_read_a_plaintext() -> None:
    found = _readers()
    assert "vault/crypto.py" in found
    assert [path for path in sorted(found) if not _allowed(path)] == []


def test_the_private_value_is_read_by_nobody_else() -> None:
    for file in PACKAGE.rglob("*.py"):
        if file.name != "secret.py":
            assert "secret._value" not in file.read_text("utf-8"), file
