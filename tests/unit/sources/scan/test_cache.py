"""Compiled lists are loaded only as this user wrote them; anything else is compiled anew."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from emberwatch.matching.prefilter import Prefilter
from emberwatch.matching.watchlist import parse_watchlist
from emberwatch.sources.scan import cache
from emberwatch.sources.scan.cache import WORTH_KEEPING, cached_prefilter

WATCHED = parse_watchlist([f"name{number}.example" for number in range(WORTH_KEEPING)])
LINE = b"\nu@name7.example:pw\n"


def finds(prefilter: Prefilter) -> bool:
    return len(list(prefilter.places(LINE, len(LINE)))) == 1


def kept(folder: Path) -> list[Path]:
    return list(folder.glob("*.hsdb"))


def test_a_long_list_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    assert finds(cached_prefilter(WATCHED, lambda: folder))
    (file,) = kept(folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    written = file.stat().st_mtime_ns
    assert finds(cached_prefilter(WATCHED, lambda: folder))
    assert file.stat().st_mtime_ns == written


def test_a_short_list_is_not_kept(tmp_path: Path) -> None:
    assert finds(cached_prefilter(parse_watchlist(["name7.example"]), lambda: tmp_path / "kept"))
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-1] + b"!"),
        lambda file: file.write_bytes(b""),
        lambda file: file.chmod(0o644),
        lambda file: file.parent.chmod(0o755),
    ],
)
def test_what_was_tampered_with_is_not_loaded(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    folder = tmp_path / "kept"
    cached_prefilter(WATCHED, lambda: folder)
    (file,) = kept(folder)
    key = bytes.fromhex(file.stem)
    assert cache._read(folder, file, key)
    spoil(file)
    with pytest.raises((ValueError, PermissionError)):
        cache._read(folder, file, key)
    assert finds(cached_prefilter(WATCHED, lambda: folder))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    cached_prefilter(WATCHED, lambda: folder)
    (file,) = kept(folder)
    elsewhere = file.rename(tmp_path / "elsewhere")
    file.symlink_to(elsewhere)
    with pytest.raises(OSError):
        cache._read(folder, file, bytes.fromhex(file.stem))
    assert finds(cached_prefilter(WATCHED, lambda: folder))
