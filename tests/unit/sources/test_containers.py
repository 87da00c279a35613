"""Every kind of container: plain, protected, nested, cut short, and named after nothing."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from emberwatch.core.secret import Secret
from emberwatch.parsing.base import ParsedCredential
from emberwatch.sources.base import LeakPart, SkippedPart, SkipReason
from emberwatch.sources.containers.base import Source
from emberwatch.sources.containers.guards import DEFAULT_LIMITS, Limits
from emberwatch.sources.containers.kinds import Kind, container_kind
from emberwatch.sources.containers.passwords import ArchivePasswords
from emberwatch.sources.containers.scratch import IN_MEMORY, Scratch
from emberwatch.sources.containers.sealed_file import SealedFile
from emberwatch.sources.events import LeakEvent, PartSkipped, PartStarted, ReadRequest
from emberwatch.sources.reading import LeakReading
from emberwatch.sources.walk import Walk
from tests.unit.sources.archives import (
    HWID,
    LOCKED,
    PACKED,
    block,
    compressed,
    rarred,
    system_file,
    tarred,
    zipped,
)

U = "u@contoso.example"
VICTIM = {
    # The description of the machine stands behind what it describes, as the alphabet has it.
    "DE/Passwords.txt": block(U, "one") + block("f@other.test", "two"),
    "DE/UserInformation.txt": system_file(),
    "combo.txt": f"{U}:three\n",
}


def events(
    data: bytes,
    folder: Path,
    *,
    name: str = "x",
    passwords: tuple[str, ...] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[LeakEvent]:
    kind = container_kind(data[:65536])
    assert kind is not None
    walk = Walk(Scratch(folder), ArchivePasswords([Secret(each) for each in passwords]), limits)
    reading = LeakReading(ReadRequest())
    for index, opened in walk.parts(Source(io.BytesIO(data), len(data)), kind, name):
        yield from reading.events(index, opened)


def secrets(found: list[LeakEvent]) -> list[str]:
    return [event.secret.expose() for event in found if isinstance(event, ParsedCredential)]


def skipped(found: list[LeakEvent]) -> dict[str, SkipReason]:
    return {event.name: event.reason for event in found if isinstance(event, PartSkipped)}


@pytest.mark.parametrize("kind", PACKED)
def test_every_kind_gives_its_victims_and_lists(kind: str, tmp_path: Path) -> None:
    found = list(events(PACKED[kind](VICTIM), tmp_path))
    assert secrets(found) == ["one", "two", "three"]
    started = [event for event in found if isinstance(event, PartStarted)]
    assert [(event.name, event.machine_key) for event in started] == [
        ("x!DE/Passwords.txt", "x!DE"),
        ("x!combo.txt", ""),
    ]
    assert started[0].machine is not None and started[0].machine.hwid == HWID
    assert skipped(found) == {"x!DE/UserInformation.txt": SkipReason.NOT_CREDENTIALS}
    assert [event.index for event in found if isinstance(event, PartStarted | PartSkipped)] == [0, 1, 2]


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_a_single_compressed_file_is_named_after_its_container(kind: str, tmp_path: Path) -> None:
    lines = "".join(f"u{i}@contoso.example:{random.Random(i).getrandbits(64)}\n" for i in range(5_000))
    data = compressed(kind, lines.encode())
    found = list(events(data, tmp_path, name=f"dump.txt.{kind}"))
    assert len(secrets(found)) == 5_000
    assert [event.name for event in found if isinstance(event, PartStarted)] == [f"dump.txt.{kind}!dump.txt"]
    twice = list(events(data + data, tmp_path, name="dump"))
    assert len(secrets(twice)) == 10_000


@pytest.mark.parametrize("kind", LOCKED)
def test_a_password_from_the_list_opens(kind: str, tmp_path: Path) -> None:
    files = {"a.txt": f"{U}:one\n", "b.txt": f"{U}:two\n" * 1_000}
    data = LOCKED[kind](files, "right one")
    assert secrets(list(events(data, tmp_path, passwords=("wrong", "also wrong", "right one"))))[:2] == [
        "one",
        "two",
    ]
    for passwords in ((), ("wrong", "also wrong")):
        found = list(events(data, tmp_path, passwords=passwords))
        assert secrets(found) == []
        assert set(skipped(found).values()) == {SkipReason.ENCRYPTED}


def test_many_wrong_passwords_let_nothing_wrong_through(tmp_path: Path) -> None:
    data = LOCKED["zip crypto"]({"a.txt": f"{U}:one\n"}, "right")
    wrong = tuple(f"wrong{i}" for i in range(600))
    assert secrets(list(events(data, tmp_path, passwords=wrong))) == []
    assert secrets(list(events(data, tmp_path, passwords=(*wrong, "right")))) == ["one"]


@pytest.mark.parametrize("outer", PACKED)
@pytest.mark.parametrize("inner", ["zip", "7z", "rar5", "tar.gz"])
def test_containers_in_containers(outer: str, inner: str, tmp_path: Path) -> None:
    data = PACKED[outer]({"inner.bin2": PACKED[inner](VICTIM), "after.txt": f"{U}:after\n"})
    found = list(events(data, tmp_path))
    assert secrets(found) == ["one", "two", "three", "after"]
    assert [event.name for event in found if isinstance(event, PartStarted)] == [
        "x!inner.bin2!DE/Passwords.txt",
        "x!inner.bin2!combo.txt",
        "x!after.txt",
    ]


def test_nesting_ends_at_its_depth(tmp_path: Path) -> None:
    data, names = b"", []
    for depth in range(4, 0, -1):
        names.append(f"{depth}.txt")
        data = zipped({f"{depth}.txt": f"{U}:{depth}\n", **({"in.zip": data} if data else {})}).getvalue()
    found = list(events(data, tmp_path))
    assert secrets(found) == ["1", "2", "3"]
    assert skipped(found) == {"x!in.zip!in.zip!in.zip": SkipReason.NESTED_TOO_DEEP}


def test_a_nested_archive_too_large_for_memory_is_sealed_on_disk(tmp_path: Path) -> None:
    ballast = random.Random(7).randbytes(IN_MEMORY + 5)
    inner = zipped({"a.txt": f"{U}:one\n", "ballast.jpg": ballast, "b.txt": f"{U}:two\n"}).getvalue()
    found = list(events(tarred({"in.zip": inner}), tmp_path))
    assert secrets(found) == ["one", "two"]
    assert list(tmp_path.iterdir()) == []


def test_what_is_sealed_can_be_read_anywhere_and_by_nobody_else(tmp_path: Path) -> None:
    plain = random.Random(3).randbytes(100_000)
    with SealedFile(tmp_path) as file:
        file.append(plain[:1_001])
        file.append(plain[1_001:])
        for at, length in ((0, 16), (1, 50), (15, 2), (16, 1), (99_990, 100), (70_001, 333)):
            file.seek(at)
            assert file.read(length) == plain[at : at + length]
        on_disk = Path(f"/dev/fd/{file._handle}").read_bytes()
        assert len(on_disk) == len(plain) and plain[:64] not in on_disk


def test_a_scratch_that_is_full_says_so(tmp_path: Path) -> None:
    inner = zipped({"a.txt": f"{U}:one\n"}).getvalue()
    walk = Walk(Scratch(tmp_path, limit=10))
    data = zipped({"in.zip": inner, "b.txt": f"{U}:two\n"}).getvalue()
    opened = [each for _, each in walk.parts(Source(io.BytesIO(data), len(data)), Kind.ZIP, "x")]
    assert isinstance(opened[0], SkippedPart) and opened[0].reason is SkipReason.NO_SPACE
    assert isinstance(opened[1], LeakPart)


FILES = {
    f"{i:02}.txt": "".join(
        f"u{i}-{j}@contoso.example:{random.Random(i * 1000 + j).getrandbits(64)}\n" for j in range(400)
    )
    for i in range(8)
}
"""Eight lists that do not pack well, so that half of the archive is half of the files."""


@pytest.mark.parametrize("kind", PACKED)
def test_half_an_archive_gives_what_stands_in_its_half(kind: str, tmp_path: Path) -> None:
    data = PACKED[kind](FILES)
    assert len(secrets(list(events(data, tmp_path)))) == 3_200
    found = list(events(data[: len(data) // 2], tmp_path))
    assert set(skipped(found).values()) <= {SkipReason.DAMAGED, SkipReason.ENCRYPTED}
    # These pack all files into one or a few large blocks.
    if kind not in ("7z", "tar.xz", "tar.bz2", "tar.zst"):
        assert 800 <= len(secrets(found)) < 3_200
    assert skipped(found), "that something is missing is said"


def test_a_lost_directory_costs_no_file_of_a_zip(tmp_path: Path) -> None:
    data = zipped(FILES).getvalue()
    found = list(events(data[: data.index(b"PK\x01\x02")], tmp_path))
    assert len(secrets(found)) == 3_200
    assert skipped(found) == {"x": SkipReason.DAMAGED}


@pytest.mark.parametrize("kind", ["tar", "7z", "rar5"])
def test_names_lead_nowhere(kind: str, tmp_path: Path) -> None:
    names = ["../../up.txt", "/etc/abs.txt", "C:\\Windows\\win.txt", "a\nb\u202ec.txt", "ok.txt"]
    if kind == "rar5":
        # What writes them for this test refuses the worst of these.
        names = ["deep/up.txt", "ok.txt"]
    data = PACKED[kind]({name: f"{U}:{at}\n" for at, name in enumerate(names)})
    found = list(events(data, tmp_path))
    assert len(secrets(found)) == len(names)
    for event in found:
        if isinstance(event, PartStarted):
            path = event.name.removeprefix("x!")
            assert ".." not in path.split("/") and not path.startswith("/") and ":" not in path
            assert path.isprintable()


def test_links_and_devices_of_a_tar_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind in (
            ("s", tarfile.SYMTYPE),
            ("h", tarfile.LNKTYPE),
            ("d", tarfile.CHRTYPE),
            ("p", tarfile.FIFOTYPE),
        ):
            info = tarfile.TarInfo(f"{name}.txt")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        data = f"{U}:one\n".encode()
        info = tarfile.TarInfo("ok.txt")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    found = list(events(buffer.getvalue(), tmp_path))
    assert secrets(found) == ["one"]
    assert skipped(found) == {
        "x!s.txt": SkipReason.LINK,
        "x!h.txt": SkipReason.LINK,
        "x!d.txt": SkipReason.SPECIAL_FILE,
        "x!p.txt": SkipReason.SPECIAL_FILE,
    }


def test_a_large_member_of_a_rar_comes_through_a_pipe(tmp_path: Path) -> None:
    text = "".join(f"u{i}@contoso.example:{i:064x}\n" for i in range(200_000))
    found = list(events(rarred({"big/list.txt": text, "b.txt": f"{U}:two\n"}), tmp_path))
    assert len(secrets(found)) == 200_001
    assert skipped(found) == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["tar.gz", "7z", "rar5 solid", "tar.xz"])
def test_a_bomb_of_any_kind_is_refused_by_its_ratio(kind: str, tmp_path: Path) -> None:
    data = PACKED[kind]({"bomb.txt": b"0" * (12 * 1024**2), "combo.txt": f"{U}:pw\n"})
    assert SkipReason.SUSPICIOUS_RATIO in skipped(list(events(data, tmp_path))).values()
    sound = PACKED[kind]({"small.txt": b"0" * 1024**2, "combo.txt": f"{U}:pw\n"})
    assert secrets(list(events(sound, tmp_path))) == ["pw"]


def test_many_small_bombs_are_one_bomb(tmp_path: Path) -> None:
    bombs = {f"{i}.zip": zipped({"0.txt": b"0" * (9 * 1024**2)}).getvalue() for i in range(4)}
    found = list(events(zipped({**bombs, "a.txt": f"{U}:pw\n"}).getvalue(), tmp_path))
    assert SkipReason.SUSPICIOUS_RATIO in {e.cut for e in found if hasattr(e, "cut")} | set(
        skipped(found).values()
    )


def test_kinds_are_known_by_content_alone() -> None:
    for name, pack in PACKED.items():
        kind = container_kind(pack(VICTIM)[:65536])
        assert kind is not None and (kind.value in name or name.rpartition(".")[2] == kind.value), name
    assert container_kind(b"BZh is how this text begins") is None
    assert container_kind(b"") is None
