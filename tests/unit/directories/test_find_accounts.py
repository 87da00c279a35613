"""Finding the accounts of many logins: few requests, an answer for each, and nothing taken for "not there"."""

from __future__ import annotations

from collections import Counter
from uuid import UUID, uuid5

import pytest

from emberwatch.directories.base import (
    AccountFacts,
    DirectoryBusy,
    DirectoryError,
    DirectoryUnreachable,
    Looked,
    Lookup,
)
from tests.unit.directories.desk import Asked, Desk, Told, collection, refusal

_NAMES = UUID(int=7)
BIN = "/directory/deletedItems/microsoft.graph.user"


def user(login: str, **changes: object) -> dict[str, object]:
    return {"id": str(uuid5(_NAMES, login)), "userPrincipalName": login, "accountEnabled": True, **changes}


def searched_for(asked: Asked) -> tuple[str, str]:
    """The property and the login that a request searches for."""
    text = asked.query.get("$filter", "")
    name = "proxyAddresses" if text.startswith("proxyAddresses") else text.partition(" ")[0]
    return name, text.split("'")[1].removeprefix("smtp:") if "'" in text else ""


def directory_of(**logins: str) -> dict[tuple[str, str], dict[str, object]]:
    """``login=property``, with the blanks of a login written as underscores."""
    return {
        (name, f"{login}@contoso.example"): user(f"{login}@contoso.example") for login, name in logins.items()
    }


def desk(
    known: dict[tuple[str, str], dict[str, object]], special: dict[str, Told | None] | None = None
) -> Desk:
    def answers(asked: Asked) -> Told | None:
        if asked.path == BIN:
            return collection()
        name, login = searched_for(asked)
        if special and f"{name}:{login}" in special:
            return special[f"{name}:{login}"]
        found = known.get((name, login))
        return collection(found) if found else collection()

    return Desk(answers)


def account(looked: Looked) -> AccountFacts:
    assert isinstance(looked, Lookup)
    assert looked.account is not None
    return looked.account


def test_each_login_is_found_by_its_property_and_the_rest_is_missing() -> None:
    world = desk(directory_of(ann="userPrincipalName", bob="mail", cid="proxyAddresses"))
    logins = [f"{name}@contoso.example" for name in ("ann", "bob", "cid", "dan")]
    found = world.directory().find_accounts(logins)
    assert list(found) == logins
    assert [account(found[login]).found_by for login in logins[:3]] == [
        "userPrincipalName",
        "mail",
        "proxyAddresses",
    ]
    missing = found[logins[3]]
    assert isinstance(missing, Lookup)
    assert (missing.account, missing.complete) == (None, True)
    assert missing.searched == ("userPrincipalName", "mail", "proxyAddresses")
    assert world.batches == [4, 3, 2]
    aliases = [asked for asked in world.asked if searched_for(asked)[0] == "proxyAddresses"]
    assert all(asked.headers["consistencylevel"] == "eventual" for asked in aliases)


def test_one_by_one_gives_the_same_as_together() -> None:
    known = directory_of(ann="userPrincipalName", bob="mail", cid="proxyAddresses")
    logins = [f"{name}@contoso.example" for name in ("ann", "bob", "cid", "dan")]
    together = desk(known).directory().find_accounts(logins)
    alone = desk(known).directory()
    assert [alone.find_account(login) for login in logins] == [together[login] for login in logins]


def test_twenty_go_into_a_batch_and_no_login_is_asked_twice() -> None:
    logins = [f"person{n}@contoso.example" for n in range(45)]
    known = {("userPrincipalName", login): user(login) for login in logins}
    world = desk(known)
    found = world.directory().find_accounts([*logins, *logins, logins[0].upper()])
    assert world.batches == [20, 20, 5]
    assert max(Counter(searched_for(asked) for asked in world.asked).values()) == 1
    assert all(account(found[login]).user_principal_name == login for login in logins)
    assert account(found[logins[0].upper()]) == account(found[logins[0]])


def test_no_login_needs_no_request() -> None:
    world = desk({})
    assert world.directory().find_accounts([]) == {}
    assert world.asked == []


def test_a_name_with_a_quote_or_a_hash_is_escaped() -> None:
    world = desk({})
    world.directory().find_accounts(["o'neil#1@contoso.example", "a&b@contoso.example"])
    asked = {asked.query["$filter"] for asked in world.asked if "$filter" in asked.query}
    assert "userPrincipalName eq 'o''neil#1@contoso.example'" in asked
    assert "mail eq 'a&b@contoso.example'" in asked


def test_a_throttled_part_is_asked_again_and_the_others_are_not() -> None:
    logins = ["ann@contoso.example", "bob@contoso.example"]
    known = {("userPrincipalName", login): user(login) for login in logins}
    left = [refusal(429, "TooManyRequests", Retry_After="3"), refusal(503, "ServiceUnavailable")]

    def answers(asked: Asked) -> Told | None:
        key = searched_for(asked)
        if key[1] == logins[0] and left:
            return left.pop()
        return collection(known[key])

    world = Desk(answers)
    found = world.directory().find_accounts(logins)
    assert all(account(found[login]) for login in logins)
    assert world.batches == [2, 1, 1]


@pytest.mark.parametrize(
    ("told", "seconds"), [("7", 7.0), ("600", 600.0), ("Mon, 01 Jun 2026 12:10:00 GMT", 600.0), ("", None)]
)
def test_a_part_that_stays_throttled_is_an_error_of_its_own(told: str, seconds: float | None) -> None:
    busy = refusal(429, "TooManyRequests", Retry_After=told)
    world = desk(directory_of(ann="userPrincipalName"), {"userPrincipalName:bob@contoso.example": busy})
    found = world.directory().find_accounts(["ann@contoso.example", "bob@contoso.example"])
    assert account(found["ann@contoso.example"])
    error = found["bob@contoso.example"]
    assert isinstance(error, DirectoryBusy)
    assert error.retry_after == seconds
    asked = [each for each in world.asked if searched_for(each)[1] == "bob@contoso.example"]
    assert len(asked) == (1 if seconds == 600.0 else 3)


def test_a_part_without_an_answer_is_asked_again_and_then_an_error() -> None:
    world = desk(directory_of(ann="userPrincipalName"), {"userPrincipalName:bob@contoso.example": None})
    found = world.directory().find_accounts(["ann@contoso.example", "bob@contoso.example"])
    assert account(found["ann@contoso.example"])
    assert isinstance(found["bob@contoso.example"], DirectoryBusy)
    assert world.batches == [2, 1, 1]


def test_two_accounts_for_a_login_are_no_account() -> None:
    twice = collection(user("b1@contoso.example"), user("b2@contoso.example"))
    world = desk(directory_of(ann="userPrincipalName"), {"mail:bob@contoso.example": twice})
    found = world.directory().find_accounts(["ann@contoso.example", "bob@contoso.example"])
    assert account(found["ann@contoso.example"])
    ambiguous = found["bob@contoso.example"]
    assert isinstance(ambiguous, Lookup)
    assert ambiguous.account is None
    assert [each.user_principal_name for each in ambiguous.candidates] == [
        "b1@contoso.example",
        "b2@contoso.example",
    ]
    assert world.directory().find_account("bob@contoso.example") == ambiguous


def test_a_refused_search_makes_the_answer_incomplete() -> None:
    refused = refusal(400, "Request_UnsupportedQuery")
    special: dict[str, Told | None] = {"proxyAddresses:bob@contoso.example": refused}
    world = desk({}, special)
    found = world.directory().find_accounts(["bob@contoso.example", "cid@contoso.example"])
    bob, cid = found["bob@contoso.example"], found["cid@contoso.example"]
    assert isinstance(bob, Lookup)
    assert isinstance(cid, Lookup)
    assert (bob.complete, bob.searched) == (False, ("userPrincipalName", "mail"))
    assert cid.complete
    assert world.directory().find_account("bob@contoso.example") == bob


def test_without_the_search_for_the_sign_in_name_nothing_is_called_missing() -> None:
    refused = refusal(400, "Request_UnsupportedQuery")
    world = desk(
        directory_of(cid="mail"),
        dict.fromkeys(
            ("userPrincipalName:bob@contoso.example", "userPrincipalName:cid@contoso.example"), refused
        ),
    )
    found = world.directory().find_accounts(["bob@contoso.example", "cid@contoso.example"])
    assert isinstance(found["bob@contoso.example"], DirectoryError)
    cid = found["cid@contoso.example"]
    assert account(cid).found_by == "mail"
    with pytest.raises(DirectoryError):
        world.directory().find_account("bob@contoso.example")


@pytest.mark.parametrize(
    "refused",
    [
        refusal(404, "NotFound"),
        refusal(405, "Request_BadRequest"),
        refusal(501, "NotImplemented"),
        refusal(400, "BadRequest", "Resource not found for the segment '$batch'."),
    ],
)
def test_a_graph_without_batches_is_asked_one_by_one(refused: Told) -> None:
    logins = [f"person{n}@contoso.example" for n in range(25)]
    world = desk({("userPrincipalName", login): user(login) for login in logins})
    world.batch = refused
    directory = world.directory()
    found = directory.find_accounts(logins)
    assert all(account(found[login]).user_principal_name == login for login in logins)
    directory.find_accounts(logins)
    assert world.batches == [20]
    assert len(world.asked) == 50


def test_a_dry_run_reads_one_by_one() -> None:
    world = desk(directory_of(ann="userPrincipalName", bob="mail"))
    world.dry_run = True
    found = world.directory().find_accounts(["ann@contoso.example", "bob@contoso.example"])
    assert all(account(each) for each in found.values())
    assert world.batches == []


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_a_batch_that_is_refused_as_a_whole_is_raised(status: int) -> None:
    world = desk({})
    world.batch = refusal(status, "Refused", Retry_After="600")
    with pytest.raises(DirectoryError) as caught:
        world.directory().find_accounts(["ann@contoso.example", "bob@contoso.example"])
    if status in (429, 500, 503):
        assert caught.value.retry_after == 600.0


def test_what_was_answered_before_a_failure_stays_good() -> None:
    logins = [f"person{n}@contoso.example" for n in range(45)]
    world = desk({("userPrincipalName", login): user(login) for login in logins})
    inner = world.answers

    def answers(asked: Asked) -> Told | None:
        if len(world.batches) == 2:
            world.batch = refusal(429, "TooManyRequests", Retry_After="600")
        return inner(asked)

    world.answers = answers
    found = world.directory().find_accounts(logins)
    assert all(account(found[login]) for login in logins[:40])
    assert all(isinstance(found[login], DirectoryBusy) for login in logins[40:])
    assert world.batches == [20, 20, 5]


def test_a_later_search_that_fails_as_a_whole_spoils_no_answer() -> None:
    world = desk(directory_of(ann="userPrincipalName"))
    inner = world.answers

    def answers(asked: Asked) -> Told | None:
        world.batch = refusal(429, "TooManyRequests", Retry_After="600")
        return inner(asked)

    world.answers = answers
    found = world.directory().find_accounts([f"{n}@contoso.example" for n in ("ann", "bob", "cid")])
    assert account(found["ann@contoso.example"])
    assert isinstance(found["bob@contoso.example"], DirectoryBusy)


def test_a_graph_that_cannot_be_reached_is_not_asked_for_every_login() -> None:
    world = desk({})
    world.batch = refusal(404, "NotFound")
    import httpx

    calls = []

    def answers(asked: Asked) -> Told | None:
        calls.append(asked)
        raise httpx.ConnectError("gone")

    world.answers = answers
    found = world.directory().find_accounts([f"person{n}@contoso.example" for n in range(20)])
    assert all(isinstance(each, DirectoryUnreachable) for each in found.values())
    assert len(calls) == 3


@pytest.mark.parametrize(
    "body", [{}, {"value": None}, {"value": ["x"]}, {"value": {"id": 1}}, {"value": [{}]}]
)
def test_an_answer_that_cannot_be_read_is_not_taken_for_missing(body: dict[str, object]) -> None:
    world = desk({}, {"userPrincipalName:ann@contoso.example": Told(200, body)})
    found = world.directory().find_accounts(["ann@contoso.example", "bob@contoso.example"])
    assert isinstance(found["ann@contoso.example"], DirectoryError)
    with pytest.raises(DirectoryError):
        world.directory().find_account("ann@contoso.example")


@pytest.mark.parametrize(
    ("changes", "external"),
    [
        ({}, False),
        ({"userType": "Member"}, False),
        ({"userType": "Guest"}, True),
        ({"externalUserState": "Accepted", "userType": "Member"}, True),
        ({"externalUserState": "PendingAcceptance"}, True),
        ({"externalUserState": None}, False),
        ({"userPrincipalName": "ann_home.example#ext#@contoso.example"}, True),
    ],
)
def test_who_comes_from_elsewhere(changes: dict[str, object], external: bool) -> None:
    told = collection(user("ann@contoso.example") | changes)
    world = desk({}, {"userPrincipalName:ann@contoso.example": told})
    assert account(world.directory().find_account("ann@contoso.example")).external is external


DELETED = "2026-05-01T08:00:00Z"


@pytest.mark.parametrize(
    ("gone", "login"),
    [
        ({"userPrincipalName": "ann@contoso.example"}, "ann@contoso.example"),
        ({"userPrincipalName": "{hex}ann@contoso.example"}, "Ann@Contoso.example"),
        ({"userPrincipalName": "x@contoso.example", "mail": "Ann@contoso.example"}, "ann@contoso.example"),
        (
            {"userPrincipalName": "x@contoso.example", "proxyAddresses": ["smtp:ann@contoso.example"]},
            "ann@contoso.example",
        ),
        (
            {"userPrincipalName": "x@contoso.example", "proxyAddresses": ["SMTP:ann@contoso.example"]},
            "ann@contoso.example",
        ),
    ],
)
def test_when_an_account_was_deleted(gone: dict[str, object], login: str) -> None:
    object_id = uuid5(_NAMES, "gone")
    named = {
        key: value.replace("{hex}", object_id.hex) if isinstance(value, str) else value
        for key, value in gone.items()
    }
    older = {**named, "id": str(object_id), "deletedDateTime": "2026-04-01T08:00:00Z"}
    newer = {**named, "id": str(object_id), "deletedDateTime": DELETED}

    def answers(asked: Asked) -> Told:
        return collection(newer, older) if asked.path == BIN else collection()

    world = Desk(answers)
    directory = world.directory()
    lookup = directory.find_account(login)
    assert lookup.deleted_at is not None
    assert lookup.deleted_at.isoformat() == "2026-05-01T08:00:00+00:00"
    other = directory.find_accounts(["bob@contoso.example", login])
    assert isinstance(bob := other["bob@contoso.example"], Lookup)
    assert bob.deleted_at is None
    assert [asked.path for asked in world.asked].count(BIN) == 1


@pytest.mark.parametrize("refused", [refusal(403, "Authorization_RequestDenied"), refusal(404, "NotFound")])
def test_a_bin_that_may_not_be_read_only_leaves_the_date_out(refused: Told) -> None:
    world = Desk(lambda asked: refused if asked.path == BIN else collection())
    lookup = world.directory().find_account("ann@contoso.example")
    assert (lookup.account, lookup.complete, lookup.deleted_at) == (None, True, None)


def test_the_bin_is_read_again_after_some_minutes() -> None:
    from datetime import timedelta

    world = desk({})
    directory = world.directory()
    for minutes in (0, 4, 6):
        world.now += timedelta(minutes=minutes)
        directory.find_account("ann@contoso.example")
    assert [asked.path for asked in world.asked].count(BIN) == 2
