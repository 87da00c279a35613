"""Keeps compiled search databases of long lists, since compiling ten thousand literals takes most of a second.

The engine trusts what it loads, so only files are loaded that this user wrote into a folder of this user alone,
unchanged since. Without a cache everything works, only slower: whatever goes wrong here is no error.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from emberwatch.matching.literals import Literal, literals_of
from emberwatch.matching.prefilter import Compiled, Prefilter, engine
from emberwatch.matching.watchlist import Watchlist

WORTH_KEEPING: Final = 1000
"""Fewer literals are compiled faster than their database is found and checked."""
_DIGEST: Final = 32
_MOST_KEPT: Final = 16
_LARGEST: Final = 256 * 1024 * 1024
_SUFFIX: Final = ".hsdb"


def cached_prefilter(
    watched: Watchlist, find_folder: Callable[[], Path | None], noisy: frozenset[str] = frozenset()
) -> Prefilter:
    """The prefilter of a list, compiled now or on an earlier day."""
    literals = literals_of(watched, noisy)
    folder = find_folder() if len(literals) >= WORTH_KEEPING else None
    if folder is None:
        return Prefilter(watched, literals)
    key = _key(literals)
    file = folder / f"{key.hex()}{_SUFFIX}"
    with contextlib.suppress(Exception):
        return Prefilter(watched, literals, _read(folder, file, key))
    prefilter = Prefilter(watched, literals)
    with contextlib.suppress(OSError):
        _write(folder, file, key, prefilter.compiled())
    return prefilter


def _key(literals: Sequence[Literal]) -> bytes:
    """Names what was compiled, and by what."""
    import hashlib

    content = hashlib.blake2b(engine().encode(), digest_size=_DIGEST)
    for literal in literals:
        content.update(len(literal.expression).to_bytes(4, "big") + literal.expression)
    return content.digest()


def _seal(key: bytes, compiled: Compiled) -> bytes:
    import hashlib

    return hashlib.blake2b(compiled, key=key, digest_size=_DIGEST).digest()


def _read(folder: Path, file: Path, key: bytes) -> Compiled:
    _check_private(folder.lstat(), stat.S_ISDIR)
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
        found = os.fstat(opened.fileno())
        _check_private(found, stat.S_ISREG)
        if found.st_size > _LARGEST:
            raise ValueError("too large")
        content = opened.read()
    seal, compiled = content[:_DIGEST], content[_DIGEST:]
    if seal != _seal(key, compiled):
        raise ValueError("changed")
    return compiled


def _check_private(found: os.stat_result, is_kind: Callable[[int], bool]) -> None:
    if not is_kind(found.st_mode):
        raise PermissionError("of another kind")
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError("open to others")


def _write(folder: Path, file: Path, key: bytes, compiled: Compiled) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_private(folder.lstat(), stat.S_ISDIR)
    draft = folder / f".{file.name}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(_seal(key, compiled) + compiled)
    draft.replace(file)
    for old in list(_by_age(folder))[_MOST_KEPT:]:
        old.unlink(missing_ok=True)


def _by_age(folder: Path) -> Iterator[Path]:
    kept = folder.glob(f"*{_SUFFIX}")
    return iter(sorted(kept, key=lambda file: file.stat().st_mtime, reverse=True))
