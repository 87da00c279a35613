"""Where the file of an import lies, and how to open it: the sealed spool, a path, or an address such as ``s3://``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.conf import settings

from emberwatch.config.environment import Environment
from emberwatch.core.errors import BadInput, Conflict, Unavailable
from emberwatch.ingestion.models import Import
from emberwatch.vault.services import tenant_vault
from emberwatch.vault.spool import open_spool, spool_path

_REMOTE_BLOCK: Final = 8 * 1024**2


@dataclass(frozen=True, slots=True)
class Found:
    """A file at a location: how large it is, and when it was last changed."""

    location: str
    name: str
    size: int
    stamp: int


def is_remote(location: str) -> bool:
    return "://" in location


def look_at(location: str) -> Found:
    """Raises :class:`BadInput` when there is no file that can be read."""
    if is_remote(location):
        return _remote(location, _filesystem(location).info(location))
    path = Path(location)
    try:
        # Opened, not asked about: rights are only known by trying.
        with path.open("rb"):
            status = path.stat()
    except OSError as error:
        raise BadInput(f"Cannot read {path.name}: {error.strerror}.", field="path") from None
    return Found(str(path.resolve()), path.name, status.st_size, status.st_mtime_ns)


def files_below(folder: str) -> Iterator[Found]:
    """Every file at any depth, in order; one that vanishes meanwhile is left out."""
    if is_remote(folder):
        listed = _filesystem(folder).find(folder, detail=True)
        scheme = folder.partition("://")[0]
        yield from (_remote(f"{scheme}://{path}", facts) for path, facts in sorted(listed.items()))
        return
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            try:
                yield look_at(str(path))
            except BadInput:
                continue


def is_below(location: str, folder: str | None) -> bool:
    if folder is None or is_remote(location) != is_remote(folder):
        return False
    if is_remote(folder):
        return location.startswith(folder.rstrip("/") + "/")
    return Path(location).is_relative_to(Path(folder).resolve())


def spool_of(wanted: Import) -> Path:
    environment: Environment = settings.ENVIRONMENT
    return spool_path(environment.data_dir, wanted.pk)


@contextmanager
def opened(wanted: Import) -> Iterator[BinaryIO]:
    """The file of an import, seekable. Refuses one that was changed since the import was asked for."""
    if not wanted.location:
        with open_spool(spool_of(wanted), tenant_vault(wanted.tenant_id), wanted.pk) as spooled:
            yield spooled
        return
    _require_unchanged(wanted)
    if is_remote(wanted.location):
        with _filesystem(wanted.location).open(wanted.location, "rb", block_size=_REMOTE_BLOCK) as remote:
            yield remote
        return
    with Path(wanted.location).open("rb") as local:
        yield local


def _require_unchanged(wanted: Import) -> None:
    now = look_at(wanted.location)
    if (now.size, now.stamp) != (wanted.size, wanted.stamp):
        raise Conflict("The file was changed after its import had begun.", remedy="Import it anew.")


def _filesystem(location: str) -> Any:
    try:
        import fsspec  # type: ignore[import-not-found,unused-ignore]

        return fsspec.filesystem(location.partition("://")[0])
    except ImportError:
        raise Unavailable(
            "Reading from object storage needs another package.", remedy="Install `emberwatch[s3]`."
        ) from None


def _remote(location: str, facts: dict[str, Any]) -> Found:
    changed = facts.get("LastModified") or facts.get("mtime") or facts.get("created")
    stamp = changed.timestamp() if isinstance(changed, datetime) else float(changed or 0)
    return Found(location, location.rpartition("/")[2], int(facts.get("size") or 0), int(stamp * 1e9))
