"""Whole files of one credential a line: outcomes, counts, and what the first lines teach."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.matching.domains import DomainSet
from emberwatch.parsing.base import (
    Flag,
    Foreign,
    Noise,
    Outcome,
    ParseContext,
    ParsedCredential,
    Reject,
    RejectReason,
    SecretKind,
)
from emberwatch.parsing.lines import MAX_LINE
from emberwatch.parsing.ulp import Ulp

WATCHED = DomainSet(["contoso.example"])
OURS = ParseContext(is_ours=WATCHED.owns)
HINTED = ParseContext(is_ours=WATCHED.owns, hints=WATCHED.hints)
U = "u@contoso.example"


def parse(*lines: str | bytes, context: ParseContext = HINTED) -> list[Outcome]:
    return list(Ulp().parse([x.encode() if isinstance(x, str) else x for x in lines], context))


def credentials(outcomes: Sequence[Outcome]) -> list[ParsedCredential]:
    return [outcome for outcome in outcomes if isinstance(outcome, ParsedCredential)]


def only(*lines: str | bytes, context: ParseContext = HINTED) -> ParsedCredential:
    (found,) = credentials(parse(*lines, context=context))
    return found


def test_a_credential_carries_all_that_its_line_tells() -> None:
    found = only("", f"https://a.test/login:{U}:Xk2:9q")
    assert (found.url, found.login, found.secret.expose()) == ("https://a.test/login", U, "Xk2:9q")
    assert (found.kind, found.hash_types, found.line, found.flags) == (SecretKind.PLAINTEXT, (), 2, ())


@pytest.mark.parametrize(
    "line",
    [
        f"https://a.test/login:f@x.test:{U}",
        "https://contoso.example/:f@x.test:pw",
        "https://vpn.contoso.example/:jdoe:pw",
        "https://a.test/?next=https://contoso.example/:f@x.test:pw",
        "https://a.test/:u@notcontoso.example:pw",
        "https://a.test/:u@contoso.example.evil.test:pw",
        "https://a.test/:u@contoso-example.test:pw",
        "https://a.test/:u@c\u043entoso.example:pw",
        "https://a.test/:u@contoso.example.:pw",
        "https://bob@contoso.example/x:jdoe:pw",
        "f@x.test:abc@contoso.example",
        "f@x.test",
        "f@x.test:",
        "CONTOSO\\jdoe:pw",
        "f@x.test pw",
    ],
)
def test_somebody_elses_line_is_foreign(line: str) -> None:
    ours, theirs = parse(f"https://a.test/login:{U}:pw", line)
    assert isinstance(ours, ParsedCredential)
    assert theirs == Foreign(2)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "====================",
        "*****  Free Logs  *****",
        "|  Free logs: @synthetic  |",
        "╔══════════╗",
        "█▀▀ █▄█",
        "join https://t.me/synthetic now",
        "@synthetic_channel",
        "\ufeff",
    ],
)
@pytest.mark.parametrize("context", [OURS, HINTED, ParseContext()])
def test_banners_and_adverts_are_noise(line: str, context: ParseContext) -> None:
    assert parse(line, context=context) == [Noise(1)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (U, RejectReason.NO_PASSWORD),
        (f"{U}:", RejectReason.NO_PASSWORD),
        (f"{U}:  ", RejectReason.NO_PASSWORD),
        (f"https://a.test/:{U}:[NOT_SAVED]", RejectReason.NO_PASSWORD),
        (f"https://a.test/:{U}:UNKNOWN", RejectReason.NO_PASSWORD),
        (f"https://a.test/:{U}:null", RejectReason.NO_PASSWORD),
        (f"jdoe:{U}:hunter2", RejectReason.AMBIGUOUS),
        (f'7,"{U}","hunter2"', RejectReason.AMBIGUOUS),
        (f"hunter2 or {U}", RejectReason.AMBIGUOUS),
        (f"hunter2 {U}", RejectReason.AMBIGUOUS),
        (f"Email: {U}", RejectReason.AMBIGUOUS),
        (f"login:{U}", RejectReason.AMBIGUOUS),
        ("hunter2 or so", RejectReason.UNREADABLE),
        (f"{U}:hunter2" + "x" * MAX_LINE, RejectReason.LINE_TOO_LONG),
    ],
)
def test_what_cannot_be_used_says_why_and_shows_nothing(line: str, reason: RejectReason) -> None:
    (outcome,) = parse(line)
    assert isinstance(outcome, Reject)
    assert outcome.reason is reason
    assert reason.label
    assert not any(map(str.isalnum, outcome.sample)) and len(outcome.sample) <= 60


def test_edges_of_a_password_stay_and_are_flagged() -> None:
    found = only(f"https://a.test/:{U}: p w ")
    assert found.secret.expose() == " p w "
    assert found.flags == (Flag.BLANK_EDGE,)


def test_other_encodings_are_flagged() -> None:
    assert only(f"{U}:p".encode() + b"\xe4\x81").secret.expose() == "pä\x81"
    assert only(f"{U}:p".encode() + b"\xe4").flags == (Flag.DECODED_CP1252,)
    assert only(f"{U}:p\ufffdw").flags == (Flag.DAMAGED_TEXT,)


def test_one_bad_line_does_not_turn_the_file_into_another_encoding() -> None:
    first, second = credentials(parse(f"{U}:".encode() + b"\xe4", f"{U}:ä"))
    assert first.secret.expose() == second.secret.expose() == "ä"
    assert second.flags == ()


def test_marks_nuls_and_entities() -> None:
    assert only(b"\xef\xbb\xbf" + f"{U}:p&amp;w".encode()).secret.expose() == "p&amp;w"
    assert only(f"{U}:p\0w".encode()).secret.expose() == "pw"


def test_the_password_of_a_url_is_not_kept() -> None:
    found = only(f"https://bob:hunter2@a.test/x:{U}:pw")
    assert found.url == "https://bob:***@a.test/x"
    assert found.flags == (Flag.URL_PASSWORD_REMOVED,)


def test_hashes_are_told_from_passwords() -> None:
    digest = hashlib.md5(b"x", usedforsecurity=False).hexdigest()
    found = only(f"{U}:{digest}:s4lt")
    assert (found.kind, found.hash_types, found.secret.expose()) == (SecretKind.HASH, ("md5",), digest)
    assert found.salt is not None and found.salt.expose() == "s4lt"
    assert only(f"{U}:{digest}").hash_types == ("md5", "ntlm")


def test_a_weak_hash_shape_counts_only_among_hashes() -> None:
    weak = f"{U}:0123456789abcdef"
    assert only(weak).kind is SecretKind.PLAINTEXT
    others = [f"f{i}@x.test:{i:016x}" for i in range(9)]
    assert only(*others, weak).kind is SecretKind.HASH
    assert only(*others, f"{U}:plain").kind is SecretKind.PLAINTEXT


def test_the_first_lines_teach_the_order() -> None:
    strange = f"jdoe:abc@{U[2:]}"
    assert isinstance(parse(strange)[0], ParsedCredential)
    login_first = [f"f{i}@x.test:pw" for i in range(40)]
    assert parse(*login_first, strange)[-1] == Foreign(41)
    mixed = [*login_first, "pw:f@x.test", "pw:g@x.test"]
    assert isinstance(parse(*mixed, strange)[-1], ParsedCredential)
    secret_first = [f"pw{i}:f{i}@x.test" for i in range(9)]
    assert only(*secret_first, f"f@x.test:{U}").secret.expose() == "f@x.test"


def test_the_first_lines_teach_where_a_bare_site_stands() -> None:
    sites = [f"f{i}@x.test:pw:site{i}.test" for i in range(9)]
    found = only(*sites, f"{U}:p:w:b.test")
    assert (found.secret.expose(), found.url) == ("p:w", "b.test")
    assert only(*[f"f{i}@x.test:p:w" for i in range(40)], f"{U}:p:w:b.test").secret.expose() == "p:w:b.test"
    assert only(f"{U}:p:w:b.test").url == "b.test"
    assert only(f"{U}:p:w:b.tset7").secret.expose() == "p:w:b.tset7"


def test_a_page_at_the_end_is_no_part_of_the_password() -> None:
    found = only(f"{U};p;w;b.test:8443/login?x=1")
    assert (found.secret.expose(), found.url) == ("p;w", "b.test:8443/login?x=1")
    for whole in ("b.test/login", "p:9q.a/x", "p:w.b"):
        assert only(f"{U}:{whole}").secret.expose() == whole


def test_the_first_lines_teach_a_blank_after_the_separator() -> None:
    padded = [f"f{i}@x.test: pw" for i in range(9)]
    assert only(*padded, f"{U}: pw").secret.expose() == "pw"
    assert only(f"{U}: pw").secret.expose() == " pw"


def test_without_knowing_whose_every_login_counts() -> None:
    found = credentials(
        parse("https://a.test/:jdoe:pw", "f@x.test:pw", "CONTOSO\\j:pw", context=ParseContext())
    )
    assert [credential.login for credential in found] == ["jdoe", "f@x.test", "CONTOSO\\j"]


def test_counts_add_up_over_a_dirty_file() -> None:
    lines = [
        f"https://a.test/:{U}:pw",
        "f@x.test:pw",
        "",
        "======",
        "what is this",
        f"{U}:",
        f"{U}:x",
        f"{U}:x",
    ]
    kinds = Counter(type(outcome).__name__ for outcome in parse(*lines))
    assert kinds == {"ParsedCredential": 3, "Foreign": 1, "Noise": 2, "Reject": 2}


@pytest.mark.parametrize("line", [f'"{U}":"pw"', f'"https://a.test","{U}","pw"', f"'{U}';'pw'"])
def test_our_login_in_a_quoted_table_is_told_and_not_dropped(line: str) -> None:
    (outcome,) = parse(line)
    assert isinstance(outcome, Reject)
    assert outcome.reason is RejectReason.AMBIGUOUS
    assert parse(line.replace(U, "f@x.test")) == [Foreign(1)]


PIECES = st.sampled_from(
    [U, "f@x.test", "u@mail.CONTOSO.example", "jdoe", "https://a.test/x", "a.test", "pw", "@contoso.example",
     "CONTOSO\\j", "contoso.example", "t.me/x", "*", "|", "=", "  ", ":", ";", "\t", " ", ",", "//", "ä", "█"]
)  # fmt: skip


@given(st.lists(st.lists(PIECES, max_size=9).map("".join), max_size=5))
def test_hints_change_no_outcome(lines: list[str]) -> None:
    assert repr(parse(*lines, context=HINTED)) == repr(parse(*lines, context=OURS))


@given(st.lists(st.lists(PIECES, max_size=9).map("".join), max_size=5))
def test_every_line_has_one_outcome(lines: list[str]) -> None:
    assert [outcome.line for outcome in parse(*lines)] == list(range(1, len(lines) + 1))
