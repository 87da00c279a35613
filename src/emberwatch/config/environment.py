"""Every setting in one place: ``EMBERWATCH_<NAME>``, or ``EMBERWATCH_<NAME>_FILE`` naming a file that holds it.

Unknown names and unusable values stop the start with one line that names the setting.
``docs/settings.md`` is checked against :data:`SETTINGS`.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import platformdirs

from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret

PREFIX: Final = "EMBERWATCH_"
REVIEW_DAYS: Final = 7
_MOST_DAYS: Final = 3650


def _text(value: str) -> str:
    return value


def _path(value: str) -> Path:
    return Path(value).expanduser().resolve()


def _file(value: str) -> Path:
    path = _path(value)
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path


def _place(value: str) -> str:
    if value.startswith("s3://") and len(value) > len("s3://"):
        return value.rstrip("/")
    if "://" in value:
        raise ValueError("needs a folder, or an address such as s3://bucket/folder")
    return str(_path(value))


def _days(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= _MOST_DAYS):
        raise ValueError(f"needs a whole number of days, from 1 to {_MOST_DAYS}")
    return int(value)


def _https_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("needs an address such as https://login.example.org")
    return value.rstrip("/")


def _web_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("needs an address such as https://emberwatch.example.org")
    return value.rstrip("/")


_HOST: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*"
)


def _hosts(value: str) -> tuple[str, ...]:
    entries = tuple(entry.lower() for entry in value.replace(",", " ").split())
    for entry in entries:
        if not (_is_network(entry) or (_HOST.fullmatch(entry) and not entry.replace(".", "").isdigit())):
            raise ValueError("needs host names, addresses or networks such as siem.internal, 10.1.0.0/16")
    return entries


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _postgres_url(value: str) -> Secret:
    if urlsplit(value).scheme not in ("postgresql", "postgres"):
        raise ValueError("needs an address such as postgresql://user:password@host/database")
    return Secret(value)


def _secret(value: str) -> Secret:
    if len(value) < 32:
        raise ValueError("needs at least 32 characters")
    return Secret(value)


def _keys(value: str) -> Secret:
    return Secret(value)


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    parse: Callable[[str], Any]
    help: str

    @property
    def variable(self) -> str:
        return PREFIX + self.name


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting("DATA_DIR", _path, "folder for the embedded database, keys and uploads"),
    Setting("DATABASE_URL", _postgres_url, "PostgreSQL 15 or later; default: embedded in the data folder"),
    Setting("VAULT_KEYS", _keys, "key ring, `id:base64` pairs separated by commas, first one wraps"),
    Setting("SECRET_KEY", _secret, "signs sessions; at least 32 characters"),
    Setting("BASE_URL", _web_url, "address under which people reach the pages"),
    Setting("PROXY_URL", _web_url, "HTTP proxy for outgoing requests; loopback addresses never use it"),
    Setting(
        "FEDERATED_TOKEN_PATH",
        _path,
        "file that the platform keeps a token of its own in, for workload identity federation",
    ),
    Setting("SHARED_DIR", _place, "folder or `s3://` address that every worker sees: its imports are shared"),
    Setting("WATCH_DIR", _place, "folder or `s3://` address whose files are imported by themselves"),
    Setting(
        "REVIEW_DAYS",
        _days,
        "days after which an upload is removed whose columns nobody confirmed or whose import failed",
    ),
    Setting(
        "CHANNEL_PRIVATE_HOSTS",
        _hosts,
        "host names, addresses and networks of private networks that alert channels may reach",
    ),
    Setting(
        "CHANNEL_CA_FILE", _file, "PEM file with authorities that alert channels trust beside the system's"
    ),
    Setting("CUSTOM_CLOUD_LOGIN_URL", _https_url, "login address of the cloud `custom`"),
    Setting("CUSTOM_CLOUD_GRAPH_URL", _https_url, "Graph address of the cloud `custom`, without `/v1.0`"),
    Setting("CUSTOM_CLOUD_PORTAL_URL", _https_url, "admin center address of the cloud `custom`"),
    Setting("CUSTOM_CLOUD_CA_FILE", _file, "PEM file with the authorities trusted for the cloud `custom`"),
)
_BY_NAME: Final[Mapping[str, Setting]] = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class CustomCloud:
    """Where the cloud ``custom`` lives. It is offered only when login, Graph and portal are all set."""

    login_url: str
    graph_url: str
    portal_url: str
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class Environment:
    """The parsed settings. ``None`` means: not set, the default applies."""

    data_dir: Path
    database_url: Secret | None = None
    vault_keys: Secret | None = None
    secret_key: Secret | None = None
    base_url: str | None = None
    proxy_url: str | None = None
    custom_cloud: CustomCloud | None = field(default=None)
    shared_dir: str | None = None
    watch_dir: str | None = None
    federated_token_path: Path | None = None
    review_days: int = REVIEW_DAYS
    channel_private_hosts: tuple[str, ...] = ()
    channel_ca_file: Path | None = None

    @property
    def shared_folders(self) -> tuple[str, ...]:
        """Where a file is seen by every worker: whatever one of them may take from the watched folder, all may."""
        return tuple(folder for folder in (self.shared_dir, self.watch_dir) if folder)

    @property
    def uses_embedded_database(self) -> bool:
        return self.database_url is None


def load(environ: Mapping[str, str] | None = None) -> Environment:
    """Parses the settings.

    Raises :class:`~emberwatch.core.errors.BadInput` naming the first setting at fault.
    """
    variables = os.environ if environ is None else environ
    values = dict(_parsed(variables))
    values.setdefault("DATA_DIR", Path(platformdirs.user_data_dir("emberwatch", appauthor=False)))
    _require_keys_with_external_database(values)
    return Environment(
        data_dir=values["DATA_DIR"],
        database_url=values.get("DATABASE_URL"),
        vault_keys=values.get("VAULT_KEYS"),
        secret_key=values.get("SECRET_KEY"),
        base_url=values.get("BASE_URL"),
        proxy_url=values.get("PROXY_URL"),
        custom_cloud=_custom_cloud(values),
        shared_dir=values.get("SHARED_DIR"),
        watch_dir=values.get("WATCH_DIR"),
        review_days=values.get("REVIEW_DAYS", REVIEW_DAYS),
        channel_private_hosts=values.get("CHANNEL_PRIVATE_HOSTS", ()),
        channel_ca_file=values.get("CHANNEL_CA_FILE"),
        federated_token_path=values.get("FEDERATED_TOKEN_PATH") or _token_of_platform(variables),
    )


# Kubernetes with Microsoft's workload identity names the file by itself.
PLATFORM_TOKEN_VARIABLE: Final = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105 - a variable's name


def _token_of_platform(environ: Mapping[str, str]) -> Path | None:
    named = environ.get(PLATFORM_TOKEN_VARIABLE, "").strip()
    return _path(named) if named else None


def _parsed(environ: Mapping[str, str]) -> Iterable[tuple[str, Any]]:
    for variable, raw in environ.items():
        if not variable.startswith(PREFIX) or variable in INTERNAL_VARIABLES:
            continue
        setting, value = _resolve(variable, raw, environ)
        if value == "":
            continue
        try:
            yield setting.name, setting.parse(value)
        except ValueError as error:
            raise BadInput(f"{variable}: {error}.", field=variable) from None


# Set by our own test and browser tooling; not settings of the product.
INTERNAL_VARIABLES: Final = frozenset(
    {
        "EMBERWATCH_CHANNEL_SECRETS",
        "EMBERWATCH_CHROMIUM",
        "EMBERWATCH_ENTRA_CLIENT_SECRET",
        "EMBERWATCH_ENTRA_CERTIFICATE_PASSWORD",
    }
)


def _resolve(variable: str, raw: str, environ: Mapping[str, str]) -> tuple[Setting, str]:
    name = variable.removeprefix(PREFIX)
    if name in _BY_NAME:
        return _BY_NAME[name], raw.strip()
    base = name.removesuffix("_FILE")
    if base == name or base not in _BY_NAME:
        raise BadInput(f"{variable} is not a setting of Emberwatch.", field=variable)
    if environ.get(PREFIX + base):
        raise BadInput(f"{variable} and {PREFIX}{base} are both set; keep one.", field=variable)
    try:
        return _BY_NAME[base], Path(raw).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise BadInput(f"{variable}: cannot read {raw}: {reason}.", field=variable) from None


def _require_keys_with_external_database(values: Mapping[str, Any]) -> None:
    if "DATABASE_URL" not in values:
        return
    for name in ("VAULT_KEYS", "SECRET_KEY"):
        if name not in values:
            raise BadInput(
                f"{PREFIX}{name} is required beside {PREFIX}DATABASE_URL: every machine needs the same keys.",
                field=PREFIX + name,
            )


def _custom_cloud(values: Mapping[str, Any]) -> CustomCloud | None:
    names = ("CUSTOM_CLOUD_LOGIN_URL", "CUSTOM_CLOUD_GRAPH_URL", "CUSTOM_CLOUD_PORTAL_URL")
    given = [name for name in names if name in values]
    if not given and "CUSTOM_CLOUD_CA_FILE" not in values:
        return None
    missing = [PREFIX + name for name in names if name not in values]
    if missing:
        raise BadInput(f"The cloud `custom` also needs {', '.join(missing)}.", field=missing[0])
    login, graph, portal = (values[name] for name in names)
    return CustomCloud(login, graph, portal, values.get("CUSTOM_CLOUD_CA_FILE"))
