"""Changes of an account: one request each, never a second one, and what each refusal means."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import UUID, uuid4

import httpx
import pytest

from emberwatch.directories.actions import ActionKind, Applied, OutcomeUnknown, Refused
from emberwatch.directories.base import DirectoryBusy, DirectoryError, DirectoryUnreachable
from emberwatch.directories.entra.abilities import ACTION_ABILITIES
from emberwatch.directories.entra.actions import ABILITY_OF, ROWS, lacking, random_password
from tests.unit.directories.desk import ALL_ROLES, Desk, Told, refusal

ANN = UUID("33333333-aaaa-4bbb-8ccc-000000000003")
GROUP = UUID("44444444-aaaa-4bbb-8ccc-000000000004")
EVERY_PERMISSION = tuple({name for each in ABILITY_OF.values() for name in (each.permission, *each.beside)})
ON_PREMISES = (
    "Unable to update the specified properties for on-premises mastered Directory Sync objects or more."
)

Fails = Callable[[httpx.Request], None]


def nothing(_request: httpx.Request) -> None:
    return None


def apply(
    kind: ActionKind,
    told: Told,
    *,
    roles: tuple[str, ...] = EVERY_PERMISSION,
    fails: Fails = nothing,
) -> tuple[Applied | DirectoryError, list[httpx.Request]]:
    """One action against a Graph that answers so; what came of it, and what was sent."""
    sent: list[httpx.Request] = []

    def on_request(request: httpx.Request) -> None:
        if request.url.host == "graph.example":
            sent.append(request)
            fails(request)

    directory = Desk(lambda _: told, roles=(*ALL_ROLES, *roles)).directory(on_request=on_request)
    try:
        return directory.apply(kind, ANN, uuid4(), GROUP), sent
    except DirectoryError as error:
        return error, sent


@pytest.mark.parametrize("kind", list(ActionKind))
def test_each_action_is_one_request_with_its_own_body(kind: ActionKind) -> None:
    done, [request] = apply(kind, Told(204, {}, {"request-id": "from-graph"}))

    assert isinstance(done, Applied)
    assert done.request_id == "from-graph"
    assert request.method == ROWS[kind].method
    assert UUID(request.headers["client-request-id"])
    body = json.loads(request.content or "{}")
    assert len(body) <= 1, "nobody changes two things at once"
    assert str(ANN) in f"{request.url}{body}"
    assert (str(GROUP) in str(request.url)) == kind.needs_group


@pytest.mark.parametrize(
    ("kind", "told", "roles", "sentence"),
    [
        (
            ActionKind.DISABLE_ACCOUNT,
            refusal(403, "Authorization_RequestDenied"),
            (),
            "lacks the permission User.EnableDisableAccount.All and User.Read.All",
        ),
        (
            ActionKind.DISABLE_ACCOUNT,
            refusal(403, "Authorization_RequestDenied"),
            EVERY_PERMISSION,
            "the account is privileged",
        ),
        (
            ActionKind.RESET_PASSWORD,
            refusal(400, "Request_BadRequest", ON_PREMISES),
            EVERY_PERMISSION,
            "synchronised from Active Directory",
        ),
        (
            ActionKind.RESET_PASSWORD,
            refusal(400, "Request_BadRequest", "Something else."),
            EVERY_PERMISSION,
            "refuses what was asked",
        ),
        (
            ActionKind.MARK_COMPROMISED,
            refusal(403, "AccessDenied"),
            EVERY_PERMISSION,
            "licence does not include",
        ),
        (
            ActionKind.MARK_COMPROMISED,
            refusal(400, "AadPremiumLicenseRequired"),
            EVERY_PERMISSION,
            "licence does not include",
        ),
        (
            ActionKind.REVOKE_SESSIONS,
            refusal(404, "Request_ResourceNotFound"),
            EVERY_PERMISSION,
            "does not know the account",
        ),
        (
            ActionKind.MARK_COMPROMISED,
            refusal(400, "BadRequest", "Resource not found for the segment 'riskyUsers'."),
            EVERY_PERMISSION,
            "This cloud does not offer",
        ),
    ],
)
def test_each_refusal_has_its_own_sentence(
    kind: ActionKind, told: Told, roles: tuple[str, ...], sentence: str
) -> None:
    error, sent = apply(kind, told, roles=roles)

    assert isinstance(error, Refused)
    assert sentence in error.message
    assert len(sent) == 1


@pytest.mark.parametrize(("status", "wait"), [(429, "17"), (503, "17"), (429, None)])
def test_not_now_means_that_nothing_was_done(status: int, wait: str | None) -> None:
    told = refusal(status, "TooManyRequests", **({"Retry_After": wait} if wait else {}))

    error, sent = apply(ActionKind.DISABLE_ACCOUNT, told)

    assert isinstance(error, DirectoryBusy)
    assert error.retry_after == (17 if wait else None)
    assert len(sent) == 1, "whoever asked decides when to ask again"


@pytest.mark.parametrize("status", [500, 502, 504])
def test_other_failures_of_the_service_say_nothing(status: int) -> None:
    error, sent = apply(ActionKind.DISABLE_ACCOUNT, refusal(status, "x"))

    assert isinstance(error, OutcomeUnknown)
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx.ConnectError("no"), DirectoryUnreachable),
        (httpx.ConnectTimeout("no"), DirectoryUnreachable),
        (httpx.ReadTimeout("no"), OutcomeUnknown),
        (httpx.RemoteProtocolError("no"), OutcomeUnknown),
        (httpx.WriteError("no"), OutcomeUnknown),
    ],
)
def test_a_lost_connection_tells_whether_anything_can_have_arrived(
    raised: httpx.HTTPError, kind: type[DirectoryError]
) -> None:
    def fails(_request: httpx.Request) -> None:
        raise raised

    error, sent = apply(ActionKind.DISABLE_ACCOUNT, Told(204), fails=fails)

    assert type(error) is kind
    assert len(sent) == 1


def test_a_token_that_has_expired_means_that_nothing_was_done() -> None:
    error, sent = apply(ActionKind.DISABLE_ACCOUNT, refusal(401, "InvalidAuthenticationToken"))

    assert isinstance(error, DirectoryBusy)
    assert len(sent) == 1


def test_random_passwords_differ_and_have_every_kind_of_character() -> None:
    one, other = random_password().expose(), random_password().expose()

    assert one != other
    for has in (str.islower, str.isupper, str.isdigit):
        assert any(has(character) for character in one)
    assert not one.isalnum()


def test_every_action_has_a_row_and_a_permission() -> None:
    assert set(ROWS) == set(ABILITY_OF) == set(ActionKind)
    assert sum(map(len, ACTION_ABILITIES.values())) == len(ActionKind)
    for kind in ActionKind:
        assert lacking(kind, ()) != ""
        assert lacking(kind, EVERY_PERMISSION) == ""
