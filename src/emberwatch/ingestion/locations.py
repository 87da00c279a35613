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
from emberwatch.core.errors import BadInput, Conflict, EmberwatchError, Unavailable
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
        facts = _remote_facts(location)
        if facts.get("type") == "directory":
            raise BadInput(f"{location} is a folder.", remedy="Name a file.", field="path")
        return _remote(location, facts)
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
        with _answering(folder):
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


def files_at(address: str) -> list[str]:
    """The file at a remote address, or all files below it when it is a folder."""
    if _remote_facts(address).get("type") != "directory":
        return [address]
    found = [each.location for each in files_below(address) if each.name]
    if not found:
        raise BadInput(f"{address} holds no file.", field="path")
    return found


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
        with _answering(wanted.location):
            remote = _filesystem(wanted.location).open(wanted.location, "rb", block_size=_REMOTE_BLOCK)
        with remote:
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
        # Only with the extra `s3` or where somebody has installed it.
        import fsspec

        # What was listed a minute ago is not what is there: others add files and replace them.
        return fsspec.filesystem(location.partition("://")[0], use_listings_cache=False)
    except ImportError:
        raise Unavailable(
            "Reading from object storage needs another package.", remedy="Install `emberwatch[s3]`."
        ) from None


def _remote_facts(location: str) -> dict[str, Any]:
    with _answering(location):
        facts: dict[str, Any] = _filesystem(location).info(location)
        return facts


@contextmanager
def _answering(location: str) -> Iterator[None]:
    """What a storage says instead of an answer, in our own words; its own may hold keys of the request."""
    try:
        yield
    except EmberwatchError:
        raise
    except FileNotFoundError:
        raise BadInput(f"There is nothing at {location}.", field="path") from None
    except PermissionError:
        remedy = "Give this process credentials that may read it."
        raise BadInput(f"{location} may not be read.", remedy=remedy, field="path") from None
    except Exception as error:
        raise Unavailable(
            f"The storage of {location} did not answer ({type(error).__name__}).",
            remedy="Check its address, the network, and the credentials.",
        ) from None


def _remote(location: str, facts: dict[str, Any]) -> Found:
    changed = facts.get("LastModified") or facts.get("mtime") or facts.get("created")
    stamp = changed.timestamp() if isinstance(changed, datetime) else float(changed or 0)
    return Found(location, location.rpartition("/")[2], int(facts.get("size") or 0), int(stamp * 1e9))
