"""What the real adapter makes of a missing licence and of the limit on Identity Protection."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import httpx
import pytest

from emberwatch.core.secret import Secret
from emberwatch.directories.base import AppKey, ClientSecret, ConnectionSettings, NotOffered
from emberwatch.directories.entra.adapter import EntraDirectory
from emberwatch.directories.entra.clouds import Cloud
from emberwatch.simulator import RiskDetectionScenario, SimClock
from tests.contract.directories.worlds import OPTIONAL
from tests.simulated import InProcessEntra
from tests.unit.simulator.worlds import CLIENT_ID, DIRECTORY_ID, NOW, SECRET, UPN, app, directory, scenario

MORE_THAN_A_PAGE = 501


def build(**changes: Any) -> InProcessEntra:
    ours = app(granted_roles=("Directory.Read.All", *OPTIONAL))
    return InProcessEntra(scenario(directory(apps=(ours,), **changes)), SimClock(NOW, frozen=True))


def connect(entra: InProcessEntra, *, seconds_a_request: float = 0) -> EntraDirectory:
    cloud = Cloud("test", "Test", entra.url, entra.graph_url, entra.portal_url)
    settings = ConnectionSettings(
        "test", UUID(DIRECTORY_ID), UUID(CLIENT_ID), (AppKey(ClientSecret(Secret(SECRET))),)
    )

    def time_passes(_request: httpx.Request) -> None:
        entra.clock.advance(seconds_a_request)

    client = httpx.Client(transport=entra.transport(before=time_passes), trust_env=False)
    return EntraDirectory(cloud, settings, client, entra.clock)


def leaks(count: int) -> tuple[RiskDetectionScenario, ...]:
    first = datetime(2026, 4, 1, tzinfo=NOW.tzinfo)
    return tuple(
        RiskDetectionScenario(upn=UPN, detected=first + timedelta(seconds=number)) for number in range(count)
    )


@pytest.mark.parametrize("refusal", ["Forbidden", "AccessDenied", "AadPremiumLicenseRequired"])
def test_each_way_to_refuse_for_want_of_a_licence_is_understood(
    refusal: Literal["Forbidden", "AccessDenied", "AadPremiumLicenseRequired"],
) -> None:
    account = UUID(int=1)
    assert connect(build(premium=True, premium_refusal=refusal)).leak_detections([account]) == ()
    with pytest.raises(NotOffered, match="licence") as refused:
        connect(build(premium_refusal=refusal)).leak_detections([account])
    assert refused.value.code == refusal


def test_the_log_is_not_offered_without_a_licence() -> None:
    assert list(connect(build(premium=True)).failed_sign_ins(NOW)) == []
    with pytest.raises(NotOffered, match="licence"):
        connect(build()).failed_sign_ins(NOW)


def test_a_second_page_waits_for_its_turn() -> None:
    entra = build(premium=True, one_protection_request_a_second=True, detections=leaks(MORE_THAN_A_PAGE))
    account = connect(entra).find_account(UPN).account
    assert account is not None
    found = connect(entra, seconds_a_request=0.4).leak_detections([account.object_id])
    assert len({each.detection_id for each in found}) == MORE_THAN_A_PAGE
    asked = entra.journal.entries(lambda entry: entry.route == "graph:risk detections")
    assert [entry.status for entry in asked] == [200, 429, 429, 200]


def test_more_failures_than_a_page_of_the_log_holds() -> None:
    entra = build(premium=True, lockout_threshold=2_000)
    known = entra.directory(DIRECTORY_ID)
    user = known.find(UPN)
    assert user is not None
    known.fail_as_others(user, 1_005)
    counted = list(connect(entra).failed_sign_ins(NOW))
    assert len({each.correlation_id for each in counted}) == len(counted) == 1_005
    asked = entra.journal.entries(lambda entry: entry.route == "graph:sign-ins")
    assert [entry.status for entry in asked] == [200, 200]
