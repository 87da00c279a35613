"""Every code of the table by what it may say: whoever moves one has to move it here too, and say why.

The lists follow what is known of each code. A right password is proved by a second factor, a Conditional Access
block or an expiry that comes after it, and only likely where Microsoft does not tell the order. "Not active" needs
the directory's own word on this password or this account. A code of little worth (a vague failure, a locked or
disabled account in one code, an answer of another flow) cannot tell, however it sounds.
"""

from __future__ import annotations

from typing import Final

import pytest

from emberwatch.core.verdict import Certainty, VerdictGroup
from emberwatch.directories.entra.codes import Effect, read_codes, table

# fmt: off
ACTIVE: Final = frozenset(
    {
        50005, 50055, 50072, 50074, 50076, 50077, 50078, 50079, 50081, 50097, 50105, 50125, 50127,
        50129, 50131, 50135, 50137, 50142, 50144, 50158, 53000, 53001, 53002, 53003, 53004, 53010,
        530021, 530032,
    }
)
NOT_ACTIVE: Final = frozenset(
    {
        16003, 50014, 50034, 50052, 50054, 50057, 50059, 50126, 50128, 51004, 90125, 500571, 700056,
    }
)
CANNOT_TELL: Final = frozenset(
    {
        20001, 20012, 20033, 28002, 28003, 40008, 40009, 40010, 40015, 50000, 50001, 50002, 50008,
        50012, 50013, 50015, 50020, 50029, 50033, 50049, 50053, 50056, 50064, 50087, 50107, 50155,
        50161, 50166, 50169, 50170, 50177, 50178, 50187, 50194, 50196, 50197, 51000, 53006, 53007,
        53011, 54000, 54008, 54009, 65001, 65002, 65004, 65005, 70001, 70002, 70003, 70011, 70021,
        70025, 80001, 80002, 80005, 80007, 80010, 80012, 80013, 80014, 90002, 90004, 90006, 90008,
        90009, 90012, 90013, 90014, 90015, 90019, 90022, 90023, 90024, 90033, 90038, 90051, 90055,
        90072, 90090, 90091, 90094, 90095, 90100, 90101, 90107, 90121, 90124, 90130, 120000, 120014,
        130500, 130501, 500011, 500014, 500021, 500022, 500121, 500133, 500208, 500212, 500213,
        500346, 530033, 530034, 530035, 650052, 650054, 650056, 650057, 700005, 700011, 700016,
        700022, 700023, 700024, 700025, 700027, 700030, 700038, 700211, 700212, 700213, 900144,
        900382, 900432, 900941, 900942, 901002, 1000104, 5000819, 7000112, 7000116, 7000117,
        7000215, 7000216, 7000217, 7000218, 7000219, 7000222, 7000272, 9001023, 9002313, 9002319,
        9002332, 9002341,
    }
)
PROVED_ACTIVE: Final = frozenset(
    {
        50055, 50072, 50074, 50076, 50078, 50079, 50158, 53000, 53001, 53002, 53003, 530021,
    }
)
HALTING: Final = frozenset(
    {
        28002, 28003, 50001, 50002, 50012, 50013, 50049, 50194, 65001, 65002, 65004, 65005, 70001,
        70002, 70003, 70011, 70021, 70025, 90002, 90004, 90008, 90009, 90013, 90014, 90015, 90019,
        90023, 90038, 90051, 90094, 90095, 90100, 90107, 90121, 90124, 90130, 500011, 500014,
        500021, 500022, 500133, 500212, 500213, 650052, 650054, 650056, 650057, 700005, 700011,
        700016, 700022, 700023, 700024, 700025, 700027, 700030, 700038, 700211, 700212, 700213,
        900144, 900382, 900432, 900941, 900942, 901002, 1000104, 7000112, 7000116, 7000117, 7000215,
        7000216, 7000217, 7000218, 7000219, 7000222, 7000272, 9001023, 9002313, 9002319, 9002332,
        9002341,
    }
)
RETRY_LATER: Final = frozenset(
    {
        50000, 50033, 50087, 50166, 50196, 80001, 80002, 80005, 80007, 80010, 80013, 80014, 90006,
        90012, 90024, 90033, 90055, 90090, 90091,
    }
)
# fmt: on
PROVED_NOT_ACTIVE: Final = frozenset({50052, 50054, 50057, 50126})
STOPS_ACCOUNT: Final = frozenset({50053, 120014})


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        (VerdictGroup.ACTIVE, ACTIVE),
        (VerdictGroup.NOT_ACTIVE, NOT_ACTIVE),
        (VerdictGroup.CANNOT_TELL, CANNOT_TELL),
    ],
)
def test_each_code_has_its_group(group: VerdictGroup, codes: frozenset[int]) -> None:
    assert {code for code in table() if read_codes([code]).outcome.verdict.group is group} == codes


def test_no_code_is_left_out() -> None:
    assert set(table()) == ACTIVE | NOT_ACTIVE | CANNOT_TELL
    assert len(ACTIVE) + len(NOT_ACTIVE) + len(CANNOT_TELL) == len(table())


def test_only_these_codes_prove_anything() -> None:
    proved = {code for code, outcome in table().items() if outcome.certainty is Certainty.PROVED}
    assert proved == PROVED_ACTIVE | PROVED_NOT_ACTIVE


@pytest.mark.parametrize(
    ("effect", "codes"),
    [(Effect.HALT, HALTING), (Effect.RETRY_LATER, RETRY_LATER), (Effect.STOP_ACCOUNT, STOPS_ACCOUNT)],
)
def test_what_else_follows(effect: Effect, codes: frozenset[int]) -> None:
    assert {code for code, outcome in table().items() if outcome.effect is effect} == codes


@pytest.mark.parametrize("code", sorted(ACTIVE | NOT_ACTIVE | CANNOT_TELL))
def test_the_client_wrapper_beside_a_code_changes_nothing(code: int) -> None:
    assert read_codes([70002, code]) == read_codes([code])
