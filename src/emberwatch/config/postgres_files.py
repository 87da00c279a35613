"""The three configuration files of the embedded PostgreSQL, and where its socket lies."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from emberwatch.config.postgres_account import Account

PORT: Final = "5432"
SUPERUSER: Final = "postgres"
APPLICATION_ROLE: Final = "emberwatch"
# Linux allows 107 bytes for the path of a socket, macOS 103.
LONGEST_SOCKET_PATH: Final = 100
# Not the temporary directory of TMPDIR: every process has to come to the same answer.
SHORT_FOLDER: Final = Path("/tmp")  # noqa: S108
HEADER: Final = "# Written by Emberwatch at every start. Your own settings: ALTER SYSTEM, as the superuser.\n"

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "off",
    "log_destination": "stderr",
    # Errors go to the client alone: their texts quote values, as statements and details do.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}


def socket_folder(home: Path) -> Path:
    """Beside the cluster, or a short path named from a hash of it where that one cannot hold a socket."""
    folder = home / "run"
    # libpq takes a comma for the end of a host.
    if len(os.fsencode(socket_path(folder))) <= LONGEST_SOCKET_PATH and "," not in str(folder):
        return folder
    return SHORT_FOLDER / f"emberwatch-{hashlib.sha256(os.fsencode(home)).hexdigest()[:20]}"


def socket_path(folder: Path) -> Path:
    return folder / f".s.PGSQL.{PORT}"


def write_configuration(cluster: Path, sockets: Path, *, client: Account, server: Account) -> None:
    """Writes the settings, and lets in the one operating system user that runs Emberwatch."""
    settings = {**SETTINGS, "unix_socket_directories": _list_item(str(sockets))}
    texts = {
        "postgresql.conf": "".join(f"{name} = {_quoted(value)}\n" for name, value in settings.items()),
        "pg_hba.conf": f"local all {SUPERUSER},{APPLICATION_ROLE} peer map=emberwatch\n",
        "pg_ident.conf": "".join(
            f'emberwatch "{client.name}" {role}\n' for role in (SUPERUSER, APPLICATION_ROLE)
        ),
    }
    for name, text in texts.items():
        _replace(cluster / name, HEADER + text, server)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _list_item(value: str) -> str:
    escaped = value.replace('"', '""')
    return f'"{escaped}"'


def _replace(path: Path, text: str, owner: Account) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    # O_EXCL: the folder belongs to the server's account, which must not lead root's pen elsewhere by a link.
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        os.fchown(file.fileno(), owner.uid, owner.gid)
    draft.replace(path)
