from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.simulated import InProcessEntra, Loss
from tests.unit.simulator.worlds import CLIENT_ID, DIRECTORY_ID, PASSWORD, SECRET, UPN, scenario


def sign_in(entra: InProcessEntra, password: str = "wrong", **hooks: Any) -> httpx.Response:
    form = {
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "grant_type": "password",
        "scope": "openid",
        "username": UPN,
        "password": password,
    }
    with httpx.Client(transport=entra.transport(**hooks)) as client:
        return client.post(f"{entra.url}/{DIRECTORY_ID}/oauth2/v2.0/token", data=form)


def failures(entra: InProcessEntra) -> int:
    user = entra.directory("corp.example").find(UPN)
    assert user is not None
    return user.lockout.failures


def test_requests_and_replies_pass_through() -> None:
    entra = InProcessEntra(scenario())
    assert sign_in(entra, PASSWORD).status_code == 200
    refused = sign_in(entra)
    assert (refused.status_code, refused.json()["error_codes"]) == (400, [50126])
    assert len(entra.journal.attempts_for(UPN)) == 2


@pytest.mark.parametrize(
    ("loss", "error", "acted"),
    [
        ("request lost", httpx.ConnectError, 0),
        ("timeout before", httpx.ConnectTimeout, 0),
        ("timeout after", httpx.ReadTimeout, 1),
        ("reply lost", httpx.RemoteProtocolError, 1),
    ],
)
def test_what_is_lost_and_whether_the_server_acted(
    loss: Loss, error: type[httpx.HTTPError], acted: int
) -> None:
    entra = InProcessEntra(scenario())
    with pytest.raises(error):
        sign_in(entra, lose=lambda _: loss)
    assert failures(entra) == acted


@pytest.mark.parametrize(("moment", "acted"), [("before", 0), ("after", 1)])
def test_a_callback_can_end_the_caller_on_either_side_of_the_act(moment: str, acted: int) -> None:
    class Killed(BaseException):
        pass

    def kill(_request: httpx.Request) -> None:
        raise Killed

    entra = InProcessEntra(scenario())
    with pytest.raises(Killed):
        sign_in(entra, before=kill) if moment == "before" else sign_in(entra, after=kill)
    assert failures(entra) == acted
