"""The guards around hostile and broken zip archives."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.sources.base import LeakPart, SkippedPart, SkipReason
from emberwatch.sources.containers.base import safe_path
from emberwatch.sources.containers.guards import DEFAULT_LIMITS, Limits
from emberwatch.sources.files import open_leak
from tests.unit.sources.archives import block, system_file, zipped


def reasons(source: Path | io.BytesIO, limits: Limits = DEFAULT_LIMITS) -> dict[str, SkipReason | None]:
    found: dict[str, SkipReason | None] = {}
    for part in open_leak(source, "x.zip", limits=limits):
        found[part.name.removeprefix("x.zip!")] = part.reason if isinstance(part, SkippedPart) else None
    return found


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a/b.txt", "a/b.txt"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Windows\\x.txt", "Windows/x.txt"),
        ("a/./b/../c.txt", "a/b/c.txt"),
        ("a\nb\u202etxt.exe", "a?b?txt.exe"),
        ("..", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_names_are_made_safe_to_show(name: str, shown: str) -> None:
    assert safe_path(name) == shown
    assert len(safe_path("x" * 5_000)) == 512


def test_traversal_names_are_read_as_what_they_hold() -> None:
    assert reasons(zipped({"../../combo.txt": "a@b.test:c", "/abs/combo.txt": "a@b.test:c"})) == {
        "combo.txt": None,
        "abs/combo.txt": None,
    }


def test_a_bomb_is_refused_by_its_ratio_and_its_neighbour_is_read() -> None:
    found = reasons(zipped({"bomb.txt": b"0" * (11 * 1024**2), "combo.txt": "a@b.test:c"}))
    assert found == {"bomb.txt": SkipReason.SUSPICIOUS_RATIO, "combo.txt": None}


def test_a_bomb_that_claims_to_be_packed_larger_is_refused_as_well() -> None:
    data = bytearray(zipped({"bomb.txt": b"0" * (11 * 1024**2)}).getvalue())
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 20, 0x7FFF_FFFF)
    assert reasons(io.BytesIO(bytes(data))) == {"bomb.txt": SkipReason.OVERLAPPING}


def test_a_bomb_that_claims_to_be_small_is_cut_off() -> None:
    data = bytearray(zipped({"bomb.txt": b"u@contoso.example:pw\n" * 1024**2}).getvalue())
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, 100)
    (part,) = open_leak(io.BytesIO(bytes(data)), "x.zip")
    assert isinstance(part, LeakPart)
    assert 400_000 < sum(1 for _ in part.lines()) < 1024**2
    assert part.cut is SkipReason.SUSPICIOUS_RATIO


def test_a_well_packed_small_file_is_no_bomb() -> None:
    assert reasons(zipped({"small.txt": b"a@b.test:c\n" * 100_000})) == {"small.txt": None}


def test_the_total_is_limited() -> None:
    archive = zipped({"a.txt": "a@b.test:c\n" * 5, "b.txt": "a@b.test:c\n" * 5, "c.txt": "a@b.test:c\n"})
    assert set(reasons(archive).values()) == {None}
    assert reasons(archive, Limits(unpacked=70)) == {
        "a.txt": None,
        "b.txt": SkipReason.TOO_MUCH_DATA,
        "c.txt": None,
    }


def test_the_number_of_entries_is_limited() -> None:
    archive = zipped({f"{i}.txt": "a@b.test:c" for i in range(4)})
    assert len(reasons(archive)) == 4
    assert reasons(archive, Limits(entries=3)) == {"x.zip": SkipReason.TOO_MANY_ENTRIES}


def test_an_end_record_that_promises_a_huge_directory_is_not_believed(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": "a@b.test:c"}).getvalue())
    at = data.rindex(b"PK\x05\x06")
    assert reasons(io.BytesIO(bytes(data))) == {"a.txt": None}
    struct.pack_into("<L", data, at + 12, 0xFFFF_FFF0)
    assert reasons(io.BytesIO(bytes(data))) == {"x.zip": SkipReason.TOO_MANY_ENTRIES}
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    assert reasons(path) == {"x.zip": SkipReason.TOO_MANY_ENTRIES}


def with_flags(data: bytes, name: bytes, *, encrypted: bool = False, method: int | None = None) -> io.BytesIO:
    raw = bytearray(data)
    for signature, flags_at, method_at, name_at in ((b"PK\x03\x04", 6, 8, 30), (b"PK\x01\x02", 8, 10, 46)):
        at = raw.index(signature)
        while raw[at + name_at : at + name_at + len(name)] != name:
            at = raw.index(signature, at + 1)
        if encrypted:
            raw[at + flags_at] |= 1
        if method is not None:
            struct.pack_into("<H", raw, at + method_at, method)
    return io.BytesIO(bytes(raw))


def test_a_protected_member_says_that_it_needs_a_password() -> None:
    data = zipped({"a.txt": "a@b.test:c", "b.txt": "a@b.test:c"}).getvalue()
    assert reasons(with_flags(data, b"a.txt", encrypted=True)) == {
        "a.txt": SkipReason.ENCRYPTED,
        "b.txt": None,
    }


def test_a_protected_system_file_still_makes_a_victim() -> None:
    data = zipped(
        {"v/UserInformation.txt": system_file(), "v/Passwords.txt": block("u@x.test", "p")}
    ).getvalue()
    protected = with_flags(data, b"v/UserInformation.txt", encrypted=True)
    parts = [part for part in open_leak(protected, "x.zip") if isinstance(part, LeakPart)]
    assert [(part.machine_key, part.machine is not None) for part in parts] == [("x.zip!v", True)]


def test_an_unknown_compression_is_named() -> None:
    data = zipped({"a.txt": "a@b.test:c"}).getvalue()
    assert reasons(with_flags(data, b"a.txt", method=99)) == {"a.txt": SkipReason.UNSUPPORTED_COMPRESSION}


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_every_readable_compression(method: int) -> None:
    (part,) = open_leak(zipped({"a.txt": "a@b.test:c\n" * 9_000}, method), "x.zip")
    assert isinstance(part, LeakPart)
    assert sum(1 for _ in part.lines()) == 9_000 and not part.damaged


def test_a_link_is_not_followed() -> None:
    buffer = io.BytesIO()
    info = zipfile.ZipInfo("link.txt")
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert reasons(buffer) == {"link.txt": SkipReason.LINK}


def test_two_members_of_one_name_are_both_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.txt", "one@x.test:1")
        archive.writestr("a.txt", "two@x.test:2")
    parts = [part for part in open_leak(buffer, "x.zip") if isinstance(part, LeakPart)]
    assert [part.name for part in parts] == ["x.zip!a.txt", "x.zip!a.txt (2)"]
    assert [list(part.lines()) for part in parts] == [[b"one@x.test:1"], [b"two@x.test:2"]]


SOUND = zipped(
    {
        "v/UserInformation.txt": system_file(),
        "v/Passwords.txt": block("u@contoso.example", "pw") * 30,
        "combo.txt": "u@contoso.example:pw\n" * 30,
    }
).getvalue()


def read_all(data: bytes) -> None:
    for part in open_leak(io.BytesIO(data), "x.zip"):
        if isinstance(part, LeakPart):
            for _ in part.lines():
                pass


@given(st.binary(max_size=200))
def test_random_bytes_after_a_signature_never_raise(data: bytes) -> None:
    read_all(b"PK\x03\x04" + data)
    read_all(b"PK\x03\x04" + data + b"PK\x05\x06" + data)


@pytest.mark.parametrize("seed", range(150))
def test_mutated_archives_never_raise(seed: int) -> None:
    dice = random.Random(seed)
    data = bytearray(SOUND)
    for _ in range(dice.randint(1, 12)):
        data[dice.randrange(4, len(data))] = dice.randrange(256)
    read_all(bytes(data))
    read_all(SOUND[: dice.randrange(4, len(SOUND))])


def test_an_archive_of_nothing_is_empty() -> None:
    assert reasons(zipped({})) == reasons(zipped({"folder/": ""})) == {"x.zip": SkipReason.EMPTY}


def test_the_sound_archive_is_read_whole() -> None:
    assert list(reasons(io.BytesIO(SOUND)).values()) == [SkipReason.NOT_CREDENTIALS, None, None]
