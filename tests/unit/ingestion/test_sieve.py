"""The sieve gives what reading line by line gives, and counts what it does not read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emberwatch.ingestion.sieve import Sieve
from emberwatch.matching.prefilter import prefilter_for
from emberwatch.matching.watchlist import Watchlist
from emberwatch.parsing.base import Noise, ParsedCredential, Reject
from emberwatch.parsing.lines import split_lines
from emberwatch.parsing.ulp import Ulp
from emberwatch.sources.events import ReadRequest
from emberwatch.sources.watched import context_of

WATCHED = ("contoso.example", "mira@mail.test", "host:login.apps.test")
READ = Ulp().line_reader(b"", context_of(ReadRequest(watched=WATCHED)))
SIEVE = Sieve(READ, prefilter_for(Watchlist(["contoso.example"], ["mira@mail.test"], ["login.apps.test"])))
LINES = (
    b"https://a.test/x:ann@contoso.example:pw-one",
    b"https://a.test/x:bob@sub.Contoso.Example:pw-two",
    b"https://a.test/x:eve@notcontoso.example:pw",
    b"https://a.test/x:eve@contoso.example.evil.test:pw",
    b"https://login.apps.test/x:customer@mail.test:pw-three",
    b"mira@mail.test:pw-four",
    b"x@mail.test:pw",
    b"ann@contoso.example:",
    b"",
    b"==========",
    b"no address here",
    b"write to @somebody",
    b"@@@",
    b"*** @ ***",
    b"some @ thing",
    b"a@",
    b"pw-seven mira@mail.test",
    b"see ann@contoso.example for more",
    b'"x","ann@contoso.example"',
    b"https://a.test/contoso.example @ nothing",
    b"mail.test:x@mail.test",
    b"\xef\xbb\xbfann@contoso.example:pw-five",
    b"nul\0@contoso.example:pw-six",
    b"x" * 70_000,
)


@given(
    lines=st.lists(st.tuples(st.sampled_from(LINES), st.sampled_from([b"\n", b"\n", b"\r\n"])), max_size=12),
    first=st.integers(1, 1000),
)
def test_the_same_as_line_by_line(lines: list[tuple[bytes, bytes]], first: int) -> None:
    block = b"".join(line + end for line, end in lines)
    found = SIEVE.sift(block, first)
    outcomes = [READ(number, line) for number, line in enumerate(split_lines([block]), start=first)]
    ours = [each for each in outcomes if isinstance(each, ParsedCredential)]
    assert [(c.line, c.login, c.secret) for c in found.credentials] == [
        (c.line, c.login, c.secret) for c in ours
    ]
    assert found.rejects == [each for each in outcomes if isinstance(each, Reject)]
    assert found.next_line == first + len(outcomes)
    assert found.read == found.foreign + len(found.credentials) + len(found.rejects)
    assert found.read == sum(not isinstance(each, Noise) for each in outcomes)


def test_what_is_ours_is_found_at_all() -> None:
    found = SIEVE.sift(b"\n".join(LINES), 1)
    assert [c.line for c in found.credentials] == [1, 2, 5, 6, 22, 23]
