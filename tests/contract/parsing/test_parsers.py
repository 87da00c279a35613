"""What every registered parser owes its callers, whatever the format. A new format adds its sample here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.core.errors import BadInput
from emberwatch.matching.domains import DomainSet
from emberwatch.parsing.base import (
    Foreign,
    Noise,
    Outcome,
    ParseContext,
    ParsedCredential,
    Parser,
    Reject,
    RejectReason,
    SourceKind,
)
from emberwatch.parsing.lines import MAX_LINE, split_lines
from emberwatch.parsing.registry import PARSERS, choose

WATCHED = DomainSet(["contoso.example"])
CONTEXTS = {
    "anybody": ParseContext(),
    "ours": ParseContext(is_ours=WATCHED.owns),
    "hinted": ParseContext(is_ours=WATCHED.owns, hints=WATCHED.hints),
}
CANARY = "c4naryQx7"

SAMPLES = {
    "stealer": "URL: https://a.test/\nUsername: {u}\nPassword: {p}\nApplication: Chrome\n===============\n",
    "ulp": "https://a.test/:{u}:{p}\n",
    "combo": "{u}:{p}\n",
    "csv": "id,email,password,notes\n7,{u},{p},x\n",
    "json": '{{"id":7,"email":"{u}","password":"{p}"}}\n',
    "sql": "INSERT INTO `users` (`id`,`email`,`pass`) VALUES (7,'{u}','{p}');\n",
}
SAMPLES["filezilla"] = (
    "<FileZilla3><Servers><Server><Host>ftp.a.test</Host><Port>21</Port><User>{u}</User><Pass>{p}</Pass></Server>"
    "</Servers></FileZilla3>\n"
)
FIRST_LINE = {"csv": 2}
"""Of the credential in a sample, where it is not the first line."""


def sample(parser: Parser, u: str = "u@contoso.example", p: str = CANARY) -> bytes:
    return SAMPLES[parser.name].format(u=u, p=p).encode()


def parse(parser: Parser, data: bytes, context: str = "hinted") -> list[Outcome]:
    return list(parser.parse(split_lines([data]), CONTEXTS[context]))


each_parser = pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
each_context = pytest.mark.parametrize("context", CONTEXTS)


@each_parser
def test_it_has_a_name_a_kind_and_a_sample(parser: Parser) -> None:
    assert parser.name in SAMPLES
    assert [other.name for other in PARSERS].count(parser.name) == 1
    assert isinstance(parser.kind, SourceKind)


@each_parser
@each_context
def test_it_reads_its_own_sample(parser: Parser, context: str) -> None:
    (found,) = [o for o in parse(parser, sample(parser), context) if isinstance(o, ParsedCredential)]
    assert (found.login, found.secret.expose()) == ("u@contoso.example", CANARY)
    assert found.line == FIRST_LINE.get(parser.name, 1)


@each_parser
def test_it_knows_its_own_sample_best(parser: Parser) -> None:
    head = sample(parser) * 20
    assert choose(head, "leak.txt") is parser
    assert choose(b"\xef\xbb\xbf" + head.replace(b"\n", b"\r\n"), "leak.txt") is parser
    assert 0 < parser.sniff(head, "leak.txt") <= 1


@each_parser
def test_it_can_be_forced(parser: Parser) -> None:
    assert choose(b"whatever", "leak.txt", parser.name) is parser


def test_an_unknown_name_is_refused_and_auto_is_none() -> None:
    with pytest.raises(BadInput):
        choose(b"", "leak.txt", "xml")
    assert choose(sample(PARSERS[0]), "leak.txt", "auto") is choose(sample(PARSERS[0]), "leak.txt")


@each_parser
def test_others_are_foreign_and_only_when_it_is_known_whose(parser: Parser) -> None:
    data = sample(parser, u="f@x.test")
    for context in ("ours", "hinted"):
        outcomes = parse(parser, data, context)
        assert [o for o in outcomes if not isinstance(o, Noise)] == [Foreign(FIRST_LINE.get(parser.name, 1))]
    assert any(isinstance(o, ParsedCredential) for o in parse(parser, data, "anybody"))


@each_parser
def test_hints_change_nothing(parser: Parser) -> None:
    data = sample(parser) + sample(parser, u="f@x.test") + b"noise\n\n***\n" + sample(parser, p="")
    assert repr(parse(parser, data, "ours")) == repr(parse(parser, data, "hinted"))


@each_parser
@each_context
def test_a_secret_shows_nowhere(parser: Parser, context: str) -> None:
    for data in (sample(parser), sample(parser, p=CANARY + "x" * MAX_LINE), sample(parser, u=f"{CANARY} q")):
        assert CANARY not in repr(
            [o for o in parse(parser, data, context) if not isinstance(o, ParsedCredential)]
        )
        assert CANARY not in repr([getattr(o, "secret", None) for o in parse(parser, data, context)])


@each_parser
def test_an_overlong_line_is_one_reject_and_the_rest_is_read(parser: Parser) -> None:
    outcomes = parse(parser, b"x" * (MAX_LINE * 3) + b"\n" + sample(parser))
    assert [o.reason for o in outcomes if isinstance(o, Reject)] == [RejectReason.LINE_TOO_LONG]
    assert sum(isinstance(o, ParsedCredential) for o in outcomes) == 1


@each_parser
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends_do_not_matter(parser: Parser, end: bytes) -> None:
    data = (sample(parser) + sample(parser, p=" edge ")).replace(b"\n", end)
    found = [o.secret.expose() for o in parse(parser, data) if isinstance(o, ParsedCredential)]
    assert found == [CANARY, " edge "]


@each_parser
def test_lines_are_taken_one_by_one(parser: Parser) -> None:
    """A parser may look ahead a little, but a file of any size passes through it in flat memory."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            for line in sample(parser).splitlines():
                taken += 1
                yield line

    outcomes = parser.parse(endless(), CONTEXTS["hinted"])
    for _ in range(5):
        next(outcomes)
    assert taken <= 1_000


@each_parser
@given(data=st.binary(max_size=300))
def test_random_bytes_never_raise_and_lines_stay_in_range(parser: Parser, data: bytes) -> None:
    for context in CONTEXTS:
        check_lines(parser, data, context)


DIRT = st.sampled_from(
    rb"""\n \r \0 \xef\xbb\xbf \xff\xfe \xe4 : ; | \t \x20 @ / :// URL: Username:\x20 Password: Soft:\x20 ====
    u@contoso.example f@x.test https:// a.test pw android://x==@y/ ["a"="b"]""".split()
).map(lambda piece: piece.decode("unicode_escape").encode("latin-1"))


@each_parser
@given(data=st.lists(DIRT, max_size=40).map(b"".join))
def test_structured_dirt_never_raises_and_lines_stay_in_range(parser: Parser, data: bytes) -> None:
    for context in CONTEXTS:
        check_lines(parser, data, context)


def check_lines(parser: Parser, data: bytes, context: str) -> None:
    count = len(list(split_lines([data])))
    entries = [o for o in parse(parser, data, context) if not isinstance(o, Noise)]
    assert all(1 <= outcome.line <= count for outcome in entries)
    assert len(entries) <= max(count, data.count(b"(") + data.count(b"{"))
    assert {type(outcome) for outcome in entries} <= {ParsedCredential, Foreign, Reject}
    if context == "anybody":
        assert not any(isinstance(outcome, Foreign) for outcome in entries)
    else:
        assert all(WATCHED.owns(o.login) for o in entries if isinstance(o, ParsedCredential))
