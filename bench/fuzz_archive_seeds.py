"""Small sound archives of every kind, as the beginnings of mutants."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import Final

from tests.unit.sources.archives import (
    PACKED,
    aes_zipped,
    block,
    compressed,
    old_zipped,
    rarred,
    system_file,
    zipped,
)

PASSWORDS: Final = ("wrong", "right")
SOUND_SECRET: Final = "fine"  # noqa: S105 - made up
_LOGIN: Final = "u@contoso.example"
_FILES: Final[Mapping[str, bytes | str]] = {
    "DE_1/Passwords.txt": block(_LOGIN, "pw:1"),
    "DE_1/UserInformation.txt": system_file(),
    "DE_1/Cookies/Chrome.txt": ".contoso.example\tTRUE\t/\tFALSE\t0\tid\tx\n",
    "list.txt": f"https://a.test/:{_LOGIN}:pw2\n" * 3,
}


def SOUND() -> io.BytesIO:  # noqa: N802 - a new file each time, of one content
    return zipped({"ok.txt": f"{_LOGIN}:{SOUND_SECRET}\n"})


def seeds() -> Iterator[tuple[str, bytes]]:
    """By name. Protected 7z and rar are left out: trying one password takes a large part of a second there."""
    for name, pack in PACKED.items():
        yield name, pack(_FILES)
    yield "zip stored", zipped(_FILES, zipfile.ZIP_STORED).getvalue()
    yield "zip bzip2", zipped(_FILES, zipfile.ZIP_BZIP2).getvalue()
    yield "zip aes", aes_zipped(_FILES, PASSWORDS[-1])
    yield "zip crypto", old_zipped(_FILES, PASSWORDS[-1])
    for kind in ("gz", "bz2", "xz", "zst"):
        yield kind, compressed(kind, f"{_LOGIN}:pw3\n".encode() * 5)
    inner = zipped(_FILES).getvalue()
    yield "nested zip", zipped({"a.zip": inner, "b.gz": compressed("gz", inner)}).getvalue()
    yield "nested mixed", zipped({"a.7z": PACKED["7z"](_FILES), "b.rar": rarred(_FILES)}).getvalue()
    yield (
        "nested deep",
        zipped({"a.zip": zipped({"b.zip": zipped({"c.zip": inner}).getvalue()}).getvalue()}).getvalue(),
    )
    yield (
        "traversal",
        zipped({"../../up.txt": f"{_LOGIN}:pw4\n", "/abs.txt": "x", "C:\\d.txt": "y"}).getvalue(),
    )
