from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from emberwatch.simulator.sign_in_log import Sender, SignInEntry, SignInLog
from tests.unit.simulator.worlds import CLIENT_ID, NOW


def at(second: int) -> datetime:
    return NOW + timedelta(seconds=second)


def entry(number: int, second: int) -> SignInEntry:
    return SignInEntry(
        number=number,
        at=at(second),
        sender=Sender(CLIENT_ID, "App", "192.0.2.1", f"c{number}", f"t{number}"),
        user_id="u",
        user_principal_name="u@corp.example",
        user_display_name=None,
        code=50126,
        reason="wrong",
    )


def filled(seconds: list[int], longest: int = 10_000) -> SignInLog:
    log = SignInLog(longest)
    for second in seconds:
        log.add(entry(log.next_number, second))
    return log


@given(st.lists(st.integers(0, 20)), st.integers(-2, 22), st.integers(-2, 22), st.integers(1, 5))
def test_pages_give_what_a_plain_sort_gives(seconds: list[int], begin: int, end: int, size: int) -> None:
    log = filled(seconds)
    wanted = [(second, number) for number, second in enumerate(seconds, 1) if begin <= second <= end]
    got: list[SignInEntry] = []
    while True:
        after = got[-1].number if got else 0
        rest = list(log.newest_first(at(begin), at(end), after=after))
        got += rest[:size]
        if len(rest) <= size:
            break
    assert [each.number for each in got] == [number for _, number in sorted(wanted, reverse=True)]


def test_the_oldest_fall_off_the_end() -> None:
    log = filled(list(range(5_000)), longest=2_000)
    assert 2_000 <= len(log) < 3_000
    kept = list(log.newest_first(at(0), at(5_000)))
    assert [each.number for each in kept] == list(range(5_000, 5_000 - len(log), -1))
    assert log.find("t5000") is kept[0]
    assert log.find("t1") is None


def test_a_page_after_an_entry_that_fell_off_is_empty() -> None:
    log = filled(list(range(5_000)), longest=2_000)
    assert list(log.newest_first(at(0), at(5_000), after=1)) == []
    assert next(log.newest_first(at(0), at(5_000), after=5_000)).number == 4_999
