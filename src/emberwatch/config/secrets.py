"""The key that signs sessions: from the settings, or made once in the data folder."""

from __future__ import annotations

import secrets
from typing import Final

from emberwatch.config.environment import Environment
from emberwatch.core.files import private_file
from emberwatch.core.secret import Secret

FILE_NAME: Final = "secret.key"


def session_key(environment: Environment) -> Secret:
    if environment.secret_key is not None:
        return environment.secret_key
    return Secret(private_file(environment.data_dir / FILE_NAME, lambda: secrets.token_urlsafe(48)))
