"""One process of :mod:`bench.fuzz_archives`: walks through mutants until it is done, or dies of one."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

try:
    import atheris
except ImportError:
    sys.exit("Fuzzing needs atheris: .venv/bin/pip install atheris")

with atheris.instrument_imports(
    include=["emberwatch.sources", "py7zr", "zipfile", "tarfile", "stream_unzip"]
):
    import tarfile  # noqa: F401 - instrumented
    import zipfile  # noqa: F401

    import py7zr  # noqa: F401
    import stream_unzip  # noqa: F401

    from emberwatch.core.secret import Secret
    from emberwatch.sources.base import HEAD, LeakPart, SkippedPart, SkipReason
    from emberwatch.sources.containers.base import Source
    from emberwatch.sources.containers.guards import Limits
    from emberwatch.sources.containers.kinds import container_kind
    from emberwatch.sources.containers.passwords import ArchivePasswords
    from emberwatch.sources.containers.rar_archive import RarArchive  # noqa: F401
    from emberwatch.sources.containers.scratch import Scratch
    from emberwatch.sources.containers.seven_zip import SevenZip  # noqa: F401
    from emberwatch.sources.events import PartFinished, ReadRequest
    from emberwatch.sources.reading import LeakReading
    from emberwatch.sources.walk import Walk

from bench.fuzz_archive_seeds import PASSWORDS

_LIMITS: Final = Limits(depth=3, entries=200, unpacked=4 * 1024**2, ratio=50, ratio_from=256 * 1024)
_CHUNK: Final = 1024**2
_REQUEST: Final = ReadRequest(
    watched=("contoso.example",), passwords=tuple(map(Secret, PASSWORDS)), cookies=True
)
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_MAKING: Final = frozenset({"os.mkdir", "os.rename", "os.link", "os.symlink", "os.truncate", "os.remove"})


class Watch:
    """Sees every file that this process opens for writing, makes or moves, and says which lie elsewhere."""

    def __init__(self, folder: Path, rest: tuple[str, ...]) -> None:
        self._allowed = (str(folder), "/dev/fd/", *rest)
        self.strays: list[str] = []
        self.on = False

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.on:
            return
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        if writes or event in _MAKING:
            path = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes) else ""
            if path and not path.startswith(self._allowed):
                self.strays.append(f"{event} {path}")


class Inside:
    """Reads mutants, in a folder that stays empty but for its work folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._work = folder / "work"
        self._work.mkdir()
        os.chdir(folder)
        self._watch = Watch(self._work, ())
        sys.addaudithook(self._watch.hook)

    def one_input(self, data: bytes) -> None:
        kind = container_kind(data[:HEAD])
        if kind is None:
            return
        self._watch.on = True
        try:
            self._walk(Source(io.BytesIO(data), len(data)), kind)
        except MemoryError:
            # The product's reader ends with a code of its own then, which is one of the reasons.
            pass
        finally:
            self._watch.on = False
        assert not self._watch.strays, self._watch.strays  # noqa: S101 - what fuzzing looks for
        assert list(self._folder.iterdir()) == [self._work], "a file elsewhere"  # noqa: S101
        assert not list(self._work.iterdir()), "something was left behind"  # noqa: S101

    def _walk(self, source: Source, kind: object) -> None:
        passwords = ArchivePasswords(_REQUEST.passwords)
        walk = Walk(Scratch(self._work), passwords=passwords, limits=_LIMITS, reads_cookies=True)
        reading = LeakReading(_REQUEST)
        size = entries = 0
        last = -1
        for index, opened in walk.parts(source, kind, "leak"):  # type: ignore[arg-type]
            assert index > last, "numbers rise"  # noqa: S101
            assert isinstance(opened, LeakPart | SkippedPart)  # noqa: S101
            last, entries = index, entries + 1
            for event in reading.events(index, opened):
                if isinstance(event, PartFinished):
                    size += event.counts.bytes
                    assert event.cut is None or event.cut in SkipReason  # noqa: S101
        assert entries <= _LIMITS.entries * 2 + 2, "entries"  # noqa: S101 - a skipped container counts as one more
        assert size <= _LIMITS.unpacked + _CHUNK, "unpacked"  # noqa: S101


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="emberwatch-fuzz-") as folder:
        inside = Inside(Path(folder))
        tempfile.tempdir = str(Path(folder, "work"))
        atheris.Setup([sys.argv[0], *sys.argv[2:], sys.argv[1]], inside.one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
