"""Archives that are made to do harm: each costs itself, says why, and the next one is read all the same."""

from __future__ import annotations

import gzip
import io
import os
import random
import signal
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from emberwatch.core.secret import Secret
from emberwatch.parsing.base import ParsedCredential, Reject, RejectReason
from emberwatch.sources.base import SkipReason
from emberwatch.sources.events import (
    LeakEvent,
    PartFinished,
    PartSkipped,
    PartStarted,
    ReadRequest,
)
from emberwatch.sources.leaks import LeakReader
from tests.unit.sources.archives import LOCKED, PACKED, block, compressed, system_file, tarred, zipped

U = "u@contoso.example"
OURS = ReadRequest(watched=("contoso.example",))
SOUND = zipped({"ok.txt": f"{U}:fine\n"}).getvalue()


@pytest.fixture
def reader() -> Iterator[LeakReader]:
    with LeakReader(OURS) as reader:
        yield reader


@pytest.fixture(autouse=True)
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """All temporary files of a test lie in one folder, and none of them outlives it."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def read(reader: LeakReader, data: bytes, name: str = "x") -> list[LeakEvent]:
    return list(reader.read(io.BytesIO(data), name))


def secrets(events: list[LeakEvent]) -> list[str]:
    return [event.secret.expose() for event in events if isinstance(event, ParsedCredential)]


def reasons(events: list[LeakEvent]) -> dict[str, SkipReason]:
    return {event.name: event.reason for event in events if isinstance(event, PartSkipped)}


def well_formed(events: list[LeakEvent]) -> None:
    """Parts are opened and closed in order, numbers rise, and counts add up."""
    open_part, last = None, -1
    for event in events:
        if isinstance(event, PartStarted | PartSkipped):
            assert open_part is None and event.index > last
            last = event.index
            open_part = event.index if isinstance(event, PartStarted) else None
        elif isinstance(event, PartFinished):
            assert event.index == open_part
            counts = event.counts
            assert counts.entries == counts.ours + counts.foreign + sum(counts.rejected.values())
            open_part = None
        else:
            assert open_part is not None
    assert open_part is None


def reads_on(reader: LeakReader) -> None:
    assert secrets(read(reader, SOUND)) == ["fine"]


def test_a_nested_bomb_is_refused_and_its_neighbour_is_read(reader: LeakReader) -> None:
    zeros = zipped({"0.txt": b"0" * (64 * 1024**2)}).getvalue()
    layer = zipped({f"{i}.zip": zeros for i in range(16)}).getvalue()
    data = zipped({"a.txt": f"{U}:before\n", **{f"l{i}.zip": layer for i in range(16)}}).getvalue()
    events = read(reader, data)
    assert secrets(events) == ["before"]
    assert SkipReason.SUSPICIOUS_RATIO in reasons(events).values()
    well_formed(events)
    reads_on(reader)


def overlapping(count: int) -> bytes:
    """One kernel of packed zeros that many directory entries claim as their own."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    kernel = packer.compress(b"0" * 1024**2) + packer.flush()
    crc = zlib.crc32(b"0" * 1024**2)
    sizes = (crc, len(kernel), 1024**2)
    body = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, *sizes, 5, 0) + b"k.txt" + kernel
    good = f"{U}:pw\n".encode()
    at = len(body)
    good_sizes = (zlib.crc32(good), len(good), len(good))
    body += struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, *good_sizes, 6, 0) + b"ok.txt" + good

    def entry(name: bytes, method: int, sizes: tuple[int, int, int], offset: int) -> bytes:
        return (
            struct.pack(
                "<4s6H3L5H2L",
                b"PK\x01\x02",
                20,
                20,
                0,
                method,
                0,
                0,
                *sizes,
                len(name),
                0,
                0,
                0,
                0,
                0,
                offset,
            )
            + name
        )

    directory = b"".join(entry(b"%05d" % i, 8, sizes, 0) for i in range(count)) + entry(
        b"ok.txt", 0, good_sizes, at
    )
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count + 1, count + 1, len(directory), len(body), 0)
    return body + directory + end


def test_files_that_share_their_bytes_are_read_once_at_most(reader: LeakReader) -> None:
    events = read(reader, overlapping(2_000))
    assert secrets(events) == ["pw"]
    assert list(reasons(events).values()).count(SkipReason.OVERLAPPING) >= 1_999
    reads_on(reader)


def test_an_archive_that_holds_itself_ends(reader: LeakReader) -> None:
    """A made-up quine: what it holds is as deep as one looks."""
    data = SOUND
    for _ in range(20):
        data = zipped({"r.zip": data, "a.txt": f"{U}:level\n"}, zipfile.ZIP_STORED).getvalue()
    events = read(reader, data)
    assert secrets(events) == ["level"] * 3
    assert list(reasons(events).values()) == [SkipReason.NESTED_TOO_DEEP]
    reads_on(reader)


def test_names_lead_to_no_file_anywhere(reader: LeakReader, tmp_path: Path, work_folder: Path) -> None:
    names = [
        "../../../up.txt",
        f"{tmp_path}/abs.txt",
        "C:\\Windows\\win.txt",
        "\\\\server\\share\\unc.txt",
        "a\x00b\nc\x1b[31m.txt",
        "CON.txt",
        "x" * 5_000 + ".txt",
        "..\\..\\back.txt",
    ]
    for kind in ("zip", "tar", "7z", "tar.gz"):
        events = read(reader, PACKED[kind]({name: f"{U}:{at}\n" for at, name in enumerate(names)}))
        assert len(secrets(events)) == len(names), kind
        for event in events:
            if isinstance(event, PartStarted):
                path = event.name.removeprefix("x!")
                assert path.isprintable() and not path.startswith("/") and ".." not in path.split("/")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == []


def memory_bomb() -> bytes:
    """The header of a tar may ask for any amount of memory, and here it gets it: no ratio gives it away."""
    piece = bytearray(16 * 1024**2)
    piece[::100] = random.Random(1).randbytes(len(piece[::100]))
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 40 * len(piece)
    return gzip.compress(header.tobuf(tarfile.GNU_FORMAT)) + gzip.compress(bytes(piece), 1) * 40


def test_too_much_memory_costs_one_file(reader: LeakReader) -> None:
    events = read(reader, memory_bomb())
    assert reasons(events) == {"x": SkipReason.READER_OUT_OF_MEMORY}
    well_formed(events)
    reads_on(reader)


def test_a_member_that_takes_too_much_memory_costs_itself(reader: LeakReader) -> None:
    files: dict[str, bytes | str] = {
        "a.txt": f"{U}:before\n",
        "b.tgz": memory_bomb(),
        "c.txt": f"{U}:after\n",
    }
    events = read(reader, zipped(files, zipfile.ZIP_STORED).getvalue())
    assert secrets(events) == ["before", "after"]
    assert reasons(events) == {"x!b.tgz": SkipReason.READER_OUT_OF_MEMORY}
    well_formed(events)


def test_too_much_computing_costs_one_file() -> None:
    info = tarfile.TarInfo("empty.txt").tobuf()
    data = info * 190_000
    with LeakReader(OURS, cpu_seconds=0) as reader:
        events = read(reader, data)
        assert reasons(events)["x"] is SkipReason.READER_OUT_OF_TIME
        well_formed(events)
        reads_on(reader)


LINES = {f"{i}.txt": "".join(f"u{j}@contoso.example:{i}-{j}\n" for j in range(3_000)) for i in range(4)}


@pytest.mark.parametrize("sign", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGBUS])
def test_a_crash_in_the_middle_costs_one_part(reader: LeakReader, sign: signal.Signals) -> None:
    events: list[LeakEvent] = []
    for event in reader.read(io.BytesIO(zipped(LINES).getvalue()), "x"):
        events.append(event)
        if len(events) == 700:
            assert reader._process is not None
            os.kill(reader._process.pid, sign)
    well_formed(events)
    cut = [event.cut for event in events if isinstance(event, PartFinished) and event.cut]
    lost = list(reasons(events).values())
    assert len(cut) + len(lost) == 1
    assert (cut + lost)[0].label.startswith("The archive reader died")
    assert sum(isinstance(e, Reject) and e.reason is RejectReason.CUT_SHORT for e in events) == len(cut)
    whole = [event for event in events if isinstance(event, PartFinished) and event.cut is None]
    assert len(whole) == 3 and all(event.counts.ours == 3_000 for event in whole)
    assert len(secrets(events)) == len(set(secrets(events)))
    reads_on(reader)


def test_a_reader_without_a_sign_of_life_is_ended() -> None:
    with LeakReader(OURS, patience=1.0) as reader:
        reads_on(reader)
        assert reader._process is not None
        os.kill(reader._process.pid, signal.SIGSTOP)
        assert reasons(read(reader, SOUND)) == {"x": SkipReason.READER_STUCK}
        reads_on(reader)


def test_a_caller_who_stops_in_the_middle_may_go_on_with_another(reader: LeakReader) -> None:
    events = reader.read(io.BytesIO(zipped(LINES).getvalue()), "x")
    for _ in range(10):
        next(events)
    del events
    reads_on(reader)


def test_the_child_ends_with_its_reader_and_its_parent_and_leaves_no_folder(work_folder: Path) -> None:
    reader = LeakReader(OURS)
    reads_on(reader)
    assert reader._process is not None
    pid = reader._process.pid
    assert len(list(work_folder.iterdir())) == 1
    reader.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_child_sees_no_environment_and_no_password_in_its_arguments() -> None:
    os.environ["EMBERWATCH_CANARY"] = "canary-7f3a"
    try:
        with LeakReader(ReadRequest(passwords=(Secret("pass-canary-91"),))) as reader:
            data = LOCKED["zip aes"]({"a.txt": f"{U}:one\n"}, "pass-canary-91")
            assert secrets(read(reader, data)) == ["one"]
            assert reader._process is not None
            process = Path(f"/proc/{reader._process.pid}")
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            loaded = (process / "maps").read_text()
    finally:
        del os.environ["EMBERWATCH_CANARY"]
    assert b"canary" not in told and b"reader.child" in told
    assert "psycopg" not in loaded and "igzip" in loaded


def memory_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def test_a_line_of_a_gigabyte_takes_no_memory(reader: LeakReader) -> None:
    letters = bytearray(b"a" * 16 * 1024**2)
    letters[::50] = random.Random(2).choices(b"bcdefghijklmnopqrstuvwxyz", k=len(letters[::50]))
    data = b"".join(
        (
            gzip.compress(f"{U}:first\n".encode()),
            gzip.compress(bytes(letters), 1) * 64,
            gzip.compress(f"\n{U}:last\n".encode()),
        )
    )
    events = read(reader, data, "line.txt.gz")
    assert secrets(events) == ["first", "last"]
    (finished,) = (event for event in events if isinstance(event, PartFinished))
    assert finished.counts.bytes > 1024**3
    assert finished.counts.rejected == {RejectReason.LINE_TOO_LONG: 1}
    assert reader._process is not None and memory_of(reader._process.pid) < 100


def test_going_on_gives_what_reading_in_one_go_gives(reader: LeakReader) -> None:
    victims = {
        f"v{i}/{name}": data
        for i in range(5)
        for name, data in (
            ("Passwords.txt", block(U, f"{i}")),
            ("UserInformation.txt", system_file(f"{i}" * 32)),
            ("Passwords/Chrome.txt", block(U, f"{i}") + block(U, f"more {i}")),
        )
    }
    nested: dict[str, bytes | str] = {
        "a.txt": f"{U}:a\n",
        "in.tar": tarred({"b.txt": f"{U}:b\n", "c.txt": f"{U}:c\n"}),
        **victims,
    }
    data = zipped(nested).getvalue()
    whole = read(reader, data)
    numbers = [event.index for event in whole if isinstance(event, PartStarted | PartSkipped)]
    assert len(numbers) == 18
    for skip in range(max(numbers) + 2):
        rest = list(reader.read(io.BytesIO(data), "x", skip_parts=skip))
        begin = next(
            (
                at
                for at, e in enumerate(whole)
                if isinstance(e, PartStarted | PartSkipped) and e.index >= skip
            ),
            len(whole),
        )
        assert rest == whole[begin:]


def mutated(data: bytes, dice: random.Random) -> bytes:
    raw = bytearray(data)
    choice = dice.randrange(4)
    if choice == 0:
        return bytes(raw[: dice.randrange(len(raw))])
    for _ in range(dice.randint(1, 10)):
        at = dice.randrange(len(raw))
        if choice == 1:
            raw[at] = dice.randrange(256)
        elif choice == 2:
            raw[at] ^= 1 << dice.randrange(8)
        else:
            raw[at : at + dice.randrange(16)] = dice.randbytes(dice.randrange(16))
    return bytes(raw)


SMALL = {
    "v/UserInformation.txt": system_file(),
    "v/Passwords.txt": block(U, "pw") * 3,
    "combo.txt": f"{U}:pw\n" * 3,
}
SEEDS = {
    **{kind: pack(SMALL) for kind, pack in PACKED.items()},
    **{f"{kind} locked": lock(SMALL, "pw") for kind, lock in LOCKED.items() if not kind.startswith("7z")},
    "gz": compressed("gz", f"{U}:pw\n".encode() * 9),
    "nested": zipped({"in.7z": PACKED["7z"](SMALL), "in.rar": PACKED["rar5"](SMALL)}).getvalue(),
}
MUTATIONS = 40


@pytest.mark.parametrize("kind", SEEDS)
def test_mutated_archives_harm_nobody(kind: str) -> None:
    dice = random.Random(kind)
    with LeakReader(ReadRequest(passwords=(Secret("pw"),))) as reader:
        for _ in range(MUTATIONS):
            data = mutated(SEEDS[kind], dice)
            events = read(reader, data)
            well_formed(events)
            assert events, "every file has a fate"
            assert all(reason.label for reason in reasons(events).values())
        reads_on(reader)


@pytest.mark.parametrize("kind", ["zip", "7z", "rar5", "rar4", "tar", "gz", "tar.zst", "tar.xz", "tar.bz2"])
def test_random_bytes_behind_a_signature_harm_nobody(reader: LeakReader, kind: str) -> None:
    head = SEEDS[kind][: 262 if kind == "tar" else 10]
    for seed in range(20):
        events = read(reader, head + random.Random(seed).randbytes(seed * 150))
        well_formed(events)
        assert events
    reads_on(reader)


def test_a_zip_that_counts_back_to_before_its_beginning_costs_those_files_alone(reader: LeakReader) -> None:
    whole = zipped({"cut.txt": "x" * 200, "ok.txt": f"{U}:there\n"}, zipfile.ZIP_STORED).getvalue()
    second = whole.index(b"PK\x03\x04", 4)
    events = read(reader, whole[:40] + whole[second:])
    well_formed(events)
    assert SkipReason.READER_CRASHED not in reasons(events).values()
    assert reasons(events)["x!cut.txt"] is SkipReason.DAMAGED
    assert secrets(events) == ["there"]
    assert secrets(read(reader, SOUND)) == ["fine"]


def test_a_file_without_a_name_in_a_zip_is_read(reader: LeakReader) -> None:
    whole = zipped({"n": f"{U}:nameless\n", "ok.txt": f"{U}:there\n"}).getvalue()
    local, directory = whole.index(b"PK\x03\x04"), whole.index(b"PK\x01\x02")
    bare = bytearray(whole)
    # Both headers say that the name is empty; its one letter becomes an extra field, which nobody reads.
    for at in (local + 26, directory + 28):
        bare[at : at + 4] = struct.pack("<HH", 0, 1)
    events = read(reader, bytes(bare))
    well_formed(events)
    assert secrets(events) == ["nameless", "there"]
    assert secrets(read(reader, SOUND)) == ["fine"]
