"""Opening leaks: plain files, archives of many victims, and what is left out with its reason."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest

from emberwatch.core.errors import BadInput
from emberwatch.matching.domains import DomainSet
from emberwatch.parsing.base import (
    Flag,
    Foreign,
    Noise,
    ParseContext,
    ParsedCredential,
    Reject,
    RejectReason,
    SourceKind,
)
from emberwatch.parsing.repeats import Repeats
from emberwatch.sources.base import LeakPart, SkippedPart, SkipReason
from emberwatch.sources.files import open_leak
from emberwatch.sources.reading import read_part
from tests.unit.sources.archives import HWID, block, system_file, zipped

U = "u@contoso.example"
WATCHED = DomainSet(["contoso.example"])
OURS = ParseContext(is_ours=WATCHED.owns, hints=WATCHED.hints)


def opened(source: Path | io.BytesIO, name: str = "leak.zip") -> tuple[list[LeakPart], dict[str, SkipReason]]:
    parts, skipped = [], {}
    for part in open_leak(source, name):
        if isinstance(part, SkippedPart):
            skipped[part.name.removeprefix("leak.zip!")] = part.reason
            assert part.reason.label
        else:
            parts.append(part)
    return parts, skipped


def credentials(part: LeakPart, repeats: Repeats | None = None) -> list[ParsedCredential]:
    return [o for o in read_part(part, OURS, repeats=repeats) if isinstance(o, ParsedCredential)]


def test_a_plain_file_by_path_and_by_handle(tmp_path: Path) -> None:
    data = f"https://a.test/:{U}:pw\n".encode()
    path = tmp_path / "leak.txt"
    path.write_bytes(data)
    for source in (path, io.BytesIO(data)):
        (part,) = opened(source, "leak.txt")[0]
        assert (part.name, part.kind, part.machine, part.machine_key) == (
            "leak.txt",
            SourceKind.ULP,
            None,
            "",
        )
        assert (part.size, part.head) == (len(data), data)
        assert list(part.lines()) == list(part.lines()) == [data.rstrip()]
    assert opened(path, "")[0][0].name == "leak.txt"


def test_the_callers_file_stays_open() -> None:
    for file in (io.BytesIO(b"a:b\n"), zipped({"a.txt": "a:b"})):
        for part in opened(file)[0]:
            list(part.lines())
        assert not file.closed


def test_a_missing_file_or_a_folder_is_bad_input(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.txt", tmp_path):
        with pytest.raises(BadInput):
            list(open_leak(path))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", SkipReason.EMPTY),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 40, SkipReason.NOT_TEXT),
        (b"\0" * 500, SkipReason.NOT_TEXT),
        (b"noise " + random.Random(1).randbytes(5_000), SkipReason.NOT_TEXT),
        (b"Rar!\x1a\x07\x01\x00", SkipReason.DAMAGED),
        (b"7z\xbc\xaf\x27\x1c....", SkipReason.DAMAGED),
        (b"x" * 257 + b"ustar\x0000" + b"\0" * 300, SkipReason.DAMAGED),
        (b"PK\x03\x04 but not really", SkipReason.DAMAGED),
    ],
)
def test_what_is_no_leak_says_so(data: bytes, reason: SkipReason) -> None:
    assert opened(io.BytesIO(data), "leak.txt") == ([], {"leak.txt": reason})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_text_of_other_encodings_is_text(encoding: str) -> None:
    (part,), _ = opened(io.BytesIO(f"https://a.test/:{U}:pässwörd\n".encode(encoding)), "leak.txt")
    assert [found.secret.expose() for found in credentials(part)] == ["pässwörd"]


def test_an_archive_is_known_by_its_first_bytes() -> None:
    parts, _ = opened(zipped({"combo.txt": f"{U}:pw\n"}), "leak.rar")
    assert [(part.name, part.kind) for part in parts] == [("leak.rar!combo.txt", SourceKind.COMBO_LIST)]


def test_each_victim_is_a_machine() -> None:
    parts, skipped = opened(
        zipped(
            {
                f"pack/DE[{HWID}]/Passwords.txt": block(U, "one"),
                f"pack/DE[{HWID}]/UserInformation.txt": system_file(),
                f"pack/DE[{HWID}]/Cookies/Chrome.txt": "cookies",
                "pack/FR[other]/Chrome/Default/Passwords.txt": block(U, "two"),
                "pack/FR[other]/UserInformation.txt": system_file("F" * 32, "other"),
                "pack/readme.txt": "x@y.test:z",
                "pack/lonely/Passwords.txt": block(U, "three"),
            }
        )
    )
    by_key = {part.machine_key: part for part in parts}
    first = by_key[f"leak.zip!pack/DE[{HWID}]"]
    assert first.machine is not None
    assert (first.machine.family, first.machine.hwid, first.machine.user_name) == ("redline", HWID, "mholt")
    assert (first.name, first.kind) == (f"leak.zip!pack/DE[{HWID}]/Passwords.txt", SourceKind.STEALER_LOG)
    second = by_key["leak.zip!pack/FR[other]"]
    assert second.machine is not None and second.machine.user_name == "other"
    assert [found.secret.expose() for found in credentials(second)] == ["two"]
    assert by_key["leak.zip!pack/lonely"].machine is not None
    assert by_key[""].name == "leak.zip!pack/readme.txt"
    assert skipped == {
        f"pack/DE[{HWID}]/UserInformation.txt": SkipReason.NOT_CREDENTIALS,
        f"pack/DE[{HWID}]/Cookies/Chrome.txt": SkipReason.NOT_CREDENTIALS,
        "pack/FR[other]/UserInformation.txt": SkipReason.NOT_CREDENTIALS,
    }


def test_a_single_victim_may_fill_the_archive_without_a_folder() -> None:
    parts, _ = opened(
        zipped({"UserInformation.txt": system_file(), "Passwords.txt": block(U, "pw"), "x.txt": "a:b"})
    )
    assert [(part.name, part.machine is not None) for part in parts] == [("leak.zip!Passwords.txt", True)]
    assert parts[0].machine_key == "leak.zip!"


def test_a_decoy_does_not_hide_the_real_files_and_an_aggregate_counts_once() -> None:
    files = {
        "v/UserInformation.txt": system_file(),
        "v/Passwords.txt": "****\nBuy logs at t.me/synthetic\n****\n",
        "v/All Passwords.txt": block(U, "one") + block(U, "two"),
        "v/Passwords/Chrome.txt": block(U, "one"),
        "v/Passwords/Edge.txt": block(U, "two"),
        "w/UserInformation.txt": system_file("B" * 32),
        "w/Passwords.txt": block(U, "one"),
    }
    repeats = Repeats()
    found = [
        (c.secret.expose(), c.flags) for part in opened(zipped(files))[0] for c in credentials(part, repeats)
    ]
    again = (Flag.REPEATED,)
    assert found == [("one", ()), ("two", ()), ("one", again), ("two", again), ("one", ())]


def test_lists_beside_a_list_called_passwords_are_read() -> None:
    parts, skipped = opened(zipped({"passwords.txt": f"{U}:one\n", "combo1.txt": f"{U}:two\n"}))
    assert [c.secret.expose() for part in parts for c in credentials(part)] == ["one", "two"]
    assert ({part.kind for part in parts}, skipped) == ({SourceKind.COMBO_LIST}, {})
    parts, _ = opened(zipped({"downloads/combo2.txt": f"{U}:three\n"}))
    assert [c.secret.expose() for part in parts for c in credentials(part)] == ["three"]


def test_a_readme_called_info_makes_no_victim() -> None:
    parts, skipped = opened(zipped({"info.txt": "the best combos\n", "combo1.txt": f"{U}:pw\n"}))
    assert [(part.name, part.machine) for part in parts] == [("leak.zip!combo1.txt", None)]
    assert skipped == {"info.txt": SkipReason.NOT_CREDENTIALS}


def test_what_is_left_out_of_an_archive_has_its_reason() -> None:
    _, skipped = opened(
        zipped(
            {
                "v/UserInformation.txt": system_file(),
                "v/FileGrabber/Desktop/passwords.txt": f"{U}:pw",
                "v/screen.jpg": b"\xff\xd8",
                "v/notes.txt": "x",
                "v/logins.txt": "",
                "photo.jpg": "not looked at",
                "letter.docx": zipped({"a.txt": "a:b"}).getvalue(),
                "__MACOSX/combo.txt": f"{U}:pw",
                "._combo.txt": f"{U}:pw",
                "binary.txt": bytes(range(32)) * 40,
            }
        )
    )
    assert skipped == {
        "v/UserInformation.txt": SkipReason.NOT_CREDENTIALS,
        "v/FileGrabber/Desktop/passwords.txt": SkipReason.GRABBED_FILE,
        "v/screen.jpg": SkipReason.NOT_CREDENTIALS,
        "v/notes.txt": SkipReason.NOT_CREDENTIALS,
        "v/logins.txt": SkipReason.EMPTY,
        "photo.jpg": SkipReason.UNSUPPORTED_FORMAT,
        "letter.docx": SkipReason.UNSUPPORTED_FORMAT,
        "__MACOSX/combo.txt": SkipReason.NOT_CREDENTIALS,
        "._combo.txt": SkipReason.NOT_CREDENTIALS,
        "binary.txt": SkipReason.NOT_TEXT,
    }


def test_damage_costs_only_what_comes_after_it() -> None:
    lines = "".join(f"u{i}@contoso.example:password-{i}\n" for i in range(40_000)).encode()
    data = bytearray(zipped({"a.txt": lines, "b.txt": f"{U}:pw\n"}).getvalue())
    middle = data.index(b"b.txt") // 2
    data[middle : middle + 400] = b"\xff" * 400
    (a, b), _ = opened(io.BytesIO(bytes(data)))
    outcomes = list(read_part(a, OURS))
    last = outcomes[-1]
    assert isinstance(last, Reject) and last.reason is RejectReason.CUT_SHORT and a.damaged
    assert 1_000 < sum(isinstance(o, ParsedCredential) for o in outcomes) < 40_000
    assert [found.secret.expose() for found in credentials(b)] == ["pw"] and not b.damaged


def test_a_wrong_checksum_loses_no_line() -> None:
    raw = bytearray(zipped({"a.txt": f"{U}:first\n{U}:last\n"}, zipfile.ZIP_STORED).getvalue())
    at = raw.index(b"first")
    raw[at : at + 5] = b"FIRST"
    (part,), _ = opened(io.BytesIO(bytes(raw)))
    outcomes = list(read_part(part, OURS))
    assert [o.secret.expose() for o in outcomes if isinstance(o, ParsedCredential)] == ["FIRST", "last"]
    assert isinstance(outcomes[-1], Reject) and outcomes[-1].reason is RejectReason.CUT_SHORT


def test_a_forced_format_is_obeyed() -> None:
    (part,), _ = opened(io.BytesIO(f"URL: https://a.test/\nLogin: {U}\nPassword: pw\n".encode()), "leak.txt")
    assert part.kind is SourceKind.STEALER_LOG
    assert credentials(part)
    assert not [o for o in read_part(part, OURS, forced="combo") if isinstance(o, ParsedCredential)]


def test_the_counts_of_a_leak_add_up() -> None:
    (part,), _ = opened(
        io.BytesIO(f"https://a.test/:{U}:pw\nf@x.test:y\n\n{U}:\n{U}:pw\n".encode()), "leak.txt"
    )
    outcomes = [type(o) for o in read_part(part, OURS)]
    assert outcomes == [ParsedCredential, Foreign, Noise, Reject, ParsedCredential]


def test_cookies_are_never_read_as_lines_with_logins() -> None:
    cookie = f".contoso.example\tTRUE\t/\tFALSE\t1790000000\tname\t{U}:pw\n"
    _, skipped = opened(zipped({"a/System.txt": system_file(HWID), "list.txt": cookie}))
    assert skipped["list.txt"] is SkipReason.COOKIES
