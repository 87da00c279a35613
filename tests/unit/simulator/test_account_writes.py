"""Ending sessions, disabling accounts and changing passwords through Graph."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from emberwatch.simulator import RoleScenario, ScriptedAnswer, UserScenario, put_back, sync
from tests.unit.simulator.worlds import CLIENT_ID, NOW, ORIGIN, PASSWORD, UPN, Answer, Lab, app, lab, user

ENABLES = ("User.EnableDisableAccount.All", "User.Read.All")
RESETS = ("User-PasswordProfile.ReadWrite.All",)
BOTH = (*ENABLES, *RESETS, "User.RevokeSessions.All", "Directory.Read.All")
PATH = f"/users/{UPN}"
NEW = "Other-Horse-2"
MUST_CHANGE = {"forceChangePasswordNextSignIn": True}
GLOBAL, AUTHENTICATION, HELPDESK, READERS = (
    "62e90394-69f5-4237-9190-012177145e10",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8",
    "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
)


def world(roles: tuple[str, ...] = BOTH, account: UserScenario | None = None, **changes: Any) -> Lab:
    return lab(users=[account or user()], apps=[app(granted_roles=roles)], **changes)


def shown(own: Lab, *names: str) -> list[Any]:
    body = own.graph(f"{PATH}?$select={','.join(names)}").body
    return [body[name] for name in names]


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.error


def test_sessions_end_at_this_second() -> None:
    own = world()
    own.clock.advance(0.7)
    answer = own.post(f"{PATH}/revokeSignInSessions", {})
    assert answer.status == 200
    assert answer.body == {"@odata.context": f"{ORIGIN}/v1.0/$metadata#Edm.Boolean", "value": True}
    assert shown(own, "signInSessionsValidFromDateTime") == ["2026-05-04T12:00:00Z"]
    own.clock.advance(60)
    own.directory.change_user(UPN, password=NEW)
    assert shown(own, "signInSessionsValidFromDateTime") == ["2026-05-04T12:01:00Z"]


@pytest.mark.parametrize("changes", [{"synced": True}, {"enabled": False}])
def test_sessions_of_synced_and_of_disabled_accounts_end_too(changes: dict[str, Any]) -> None:
    own = world(account=user(**changes))
    assert own.post(f"/users/{own.user().id}/revokeSignInSessions", {}).status == 200
    assert shown(own, "signInSessionsValidFromDateTime") == ["2026-05-04T12:00:00Z"]


def test_sessions_of_external_accounts_are_not_held_here() -> None:
    own = world(account=user(user_type="Guest"))
    before = shown(own, "signInSessionsValidFromDateTime")
    assert own.post(f"{PATH}/revokeSignInSessions", {}).body["value"] is True
    assert shown(own, "signInSessionsValidFromDateTime") == before != ["2026-05-04T12:00:00Z"]


def test_nobodys_sessions() -> None:
    refused = world().post("/users/nobody@corp.example/revokeSignInSessions", {})
    assert refusal(refused) == (404, "Request_ResourceNotFound")


def test_a_disabled_account_is_told_so_everywhere() -> None:
    own = world()
    link = own.graph("/users/delta?$select=id,accountEnabled").body["@odata.deltaLink"]
    answer = own.patch(PATH, {"accountEnabled": False})
    assert (answer.status, answer.raw) == (204, b"")
    assert "Content-Type" not in answer.headers
    assert shown(own, "accountEnabled") == [False]
    assert own.sign_in().code == 50057
    (changed,) = own.graph(link.removeprefix(f"{ORIGIN}/v1.0")).body["value"]
    assert changed == {"id": own.user().id, "accountEnabled": False}
    assert own.patch(PATH, {"accountEnabled": True}).status == 204
    assert own.sign_in().code == 0


def test_a_write_leaves_the_count_of_scripted_answers_alone() -> None:
    own = world(account=user(answer=ScriptedAnswer(code=599999, times=1)))
    assert own.sign_in().code == 599999
    assert own.patch(PATH, {"accountEnabled": True}).status == 204
    assert own.sign_in().code == 0


def test_what_a_scenario_says_by_graphs_names_ends_with_a_write() -> None:
    own = world(account=user(properties={"accountEnabled": True, "department": "Sales"}))
    own.patch(PATH, {"accountEnabled": False})
    assert shown(own, "accountEnabled", "department") == [False, "Sales"]


@pytest.mark.parametrize(
    ("roles", "body", "status"),
    [
        (ENABLES, {"accountEnabled": False}, 204),
        (ENABLES[:1], {"accountEnabled": False}, 403),
        (("User.ReadWrite.All",), {"accountEnabled": False}, 204),
        (("Directory.ReadWrite.All",), {"accountEnabled": False}, 204),
        (("User.Read.All",), {"accountEnabled": False}, 403),
        (RESETS, {"accountEnabled": False}, 403),
        (RESETS, {"passwordProfile": MUST_CHANGE}, 204),
        (("User.ReadWrite.All",), {"passwordProfile": MUST_CHANGE}, 403),
        (("Directory.ReadWrite.All",), {"passwordProfile": MUST_CHANGE}, 403),
        (BOTH, {"accountEnabled": False, "passwordProfile": MUST_CHANGE}, 204),
        (ENABLES, {"accountEnabled": False, "passwordProfile": MUST_CHANGE}, 403),
        (RESETS, {"accountEnabled": False, "passwordProfile": MUST_CHANGE}, 403),
        ((), {}, 403),
    ],
)
def test_each_property_needs_its_permission_and_one_refusal_stops_all(
    roles: tuple[str, ...], body: dict[str, Any], status: int
) -> None:
    own = world(roles)
    answer = own.patch(PATH, body)
    assert answer.status == status
    if status == 403:
        assert answer.error == "Authorization_RequestDenied"
        assert answer.body["error"]["message"] == "Insufficient privileges to complete the operation."
    changed = status == 204
    assert own.user().scenario.enabled is not (changed and "accountEnabled" in body)
    assert bool(own.user().scenario.force_change) is (changed and "passwordProfile" in body)


def test_a_new_password() -> None:
    own = world(account=user(previous_answer=50054, password_expired=True))
    own.clock.advance(5)
    assert own.patch(PATH, {"passwordProfile": {"password": NEW}}).status == 204
    assert own.sign_in().code == 50054
    assert own.sign_in(NEW).code == 0
    assert shown(own, "lastPasswordChangeDateTime", "passwordProfile") == ["2026-05-04T12:00:05Z", None]


@pytest.mark.parametrize("flag", ["forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa"])
def test_a_password_that_has_to_be_changed(flag: str) -> None:
    own = world()
    assert own.patch(PATH, {"passwordProfile": {flag: True}}).status == 204
    assert (own.sign_in().code, own.sign_in("wrong").code) == (50055, 50126)
    (profile,) = shown(own, "passwordProfile")
    others = {"forceChangePasswordNextSignIn": False, "forceChangePasswordNextSignInWithMfa": False}
    assert profile == {"password": None, **others, flag: True}
    own.directory.change_user(UPN, password=NEW)
    assert shown(own, "passwordProfile") == [{"password": None, **others}]
    assert own.sign_in(NEW).code == 0


def test_a_first_password_that_has_to_be_changed() -> None:
    own = world(account=user(password=None))
    assert own.sign_in(NEW).code == 50056
    own.patch(PATH, {"passwordProfile": {"password": NEW, **MUST_CHANGE}})
    assert own.sign_in(NEW).code == 50055
    assert NEW not in str(own.graph(f"{PATH}?$select=passwordProfile").body)


@pytest.mark.parametrize(
    "password", ["Short-1", "only-small-letters", "ALLBIGLETTERS99", "Annabel-12", "x" * 252 + "Ab-1x"]
)
def test_a_weak_password_is_refused(password: str) -> None:
    own = world()
    own.directory.change_user(UPN, upn="anna@corp.example")
    refused = own.patch("/users/anna@corp.example", {"passwordProfile": {"password": password}})
    assert refusal(refused) == (400, "Request_BadRequest")
    assert refused.body["error"]["message"].startswith(
        "The specified password does not comply with password complexity requirements."
    )
    assert own.sign_in(PASSWORD, "anna@corp.example").code == 0
    assert own.patch("/users/anna@corp.example", {"passwordProfile": {"password": NEW}}).status == 204


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        "x",
        {"accountEnabled": "false"},
        {"accountEnabled": 0},
        {"accountEnabled": None},
        {"shoeSize": 42},
        {"accountEnabled": False, "shoeSize": 42},
        {"accountEnabled": False, "passwordProfile": {"password": "weak"}},
        {"passwordProfile": None},
        {"passwordProfile": {}},
        {"passwordProfile": NEW},
        {"passwordProfile": {"password": 12345678}},
        {"passwordProfile": {"password": NEW, "hint": "horse"}},
        {"passwordProfile": {"forceChangePasswordNextSignIn": "yes"}},
    ],
)
def test_a_body_that_is_not_understood_changes_nothing(body: object) -> None:
    own = world()
    answer = own.patch(PATH, body)
    assert refusal(answer) == (400, "Request_BadRequest")
    assert own.sign_in().code == 0
    assert own.patch(PATH, {"@odata.type": "#microsoft.graph.user", "accountEnabled": False}).status == 204


@pytest.mark.parametrize(
    ("ours", "theirs", "status"),
    [
        (None, None, 204),
        (None, READERS, 204),
        (None, GLOBAL, 403),
        (None, HELPDESK, 403),
        (READERS, HELPDESK, 403),
        (HELPDESK, HELPDESK, 403),
        (AUTHENTICATION, GLOBAL, 204),
        (GLOBAL, GLOBAL, 204),
    ],
)
@pytest.mark.parametrize("body", [{"accountEnabled": False}, {"passwordProfile": MUST_CHANGE}])
def test_a_privileged_account_is_changed_by_a_privileged_app_only(
    ours: str | None, theirs: str | None, status: int, body: dict[str, Any]
) -> None:
    roles: dict[str, RoleScenario] = {}
    for template in {ours, theirs} - {None}:
        members = (UPN,) if template == theirs else ()
        apps = (CLIENT_ID.upper(),) if template == ours else ()
        roles[str(template)] = RoleScenario(
            template_id=str(template), display_name="Role", members=members, apps=apps
        )
    own = lab(apps=[app(granted_roles=BOTH)], roles=tuple(roles.values()))
    assert own.patch(PATH, body).status == status
    assert own.post(f"{PATH}/revokeSignInSessions", {}).status == 200


def test_an_app_that_holds_a_role_is_shown_among_its_members() -> None:
    role = RoleScenario(template_id=GLOBAL, display_name="Role", members=(UPN,), apps=(CLIENT_ID,))
    own = lab(roles=(role,))
    rows = own.graph(f"/directoryRoles/{role.object_id}/members").body["value"]
    assert [row["@odata.type"] for row in rows] == [
        "#microsoft.graph.user",
        "#microsoft.graph.servicePrincipal",
    ]
    assigned = own.graph(
        f"/roleManagement/directory/roleAssignments?$filter=principalId eq '{app().principal_id}'"
    )
    assert [row["roleDefinitionId"] for row in assigned.body["value"]] == [GLOBAL]


def test_synced_accounts_are_mastered_elsewhere() -> None:
    own = world(account=user(synced=True))
    for body in ({"accountEnabled": False}, {"passwordProfile": MUST_CHANGE}):
        refused = own.patch(PATH, body)
        assert refusal(refused) == (400, "Request_BadRequest")
        assert "on-premises mastered Directory Sync objects" in refused.body["error"]["message"]
    assert own.sign_in().code == 0


def test_password_writeback_lets_passwords_through_and_nothing_else() -> None:
    own = world(account=user(synced=True), password_writeback=True)
    assert own.patch(PATH, {"accountEnabled": False}).status == 400
    assert own.patch(PATH, {"accountEnabled": False, "passwordProfile": {"password": NEW}}).status == 400
    assert own.sign_in().code == 0
    assert own.patch(PATH, {"passwordProfile": {"password": NEW}}).status == 204
    assert own.sign_in(NEW).code == 0


def test_the_next_sync_puts_back_what_was_written_over() -> None:
    own = world(account=user(synced=True), synced_writes=True)
    assert sync(own.directory) == []
    own.patch(PATH, {"accountEnabled": False})
    own.patch(PATH, {"accountEnabled": False})
    assert own.sign_in().code == 50057
    assert sync(own.directory) == [own.user().id]
    assert own.sign_in().code == 0
    assert sync(own.directory) == []


def test_what_was_changed_on_premises_since_stays() -> None:
    own = world(account=user(synced=True), synced_writes=True)
    own.patch(PATH, {"accountEnabled": False})
    own.directory.change_user(UPN, enabled=False)
    assert sync(own.directory) == []
    assert own.sign_in().code == 50057
    assert put_back(own.directory, own.user()) == [own.user().id]
    assert own.sign_in().code == 0


def test_an_account_of_the_cloud_is_not_synced() -> None:
    with pytest.raises(ValueError, match="is not synced"):
        put_back(world().directory, world().user())


def test_reads_lag_behind_writes_but_sign_ins_do_not() -> None:
    own = world(write_delay_seconds=30)
    names = ("accountEnabled", "lastPasswordChangeDateTime", "passwordProfile")
    before = shown(own, *names)
    link = own.graph("/users/delta?$select=id,accountEnabled").body["@odata.deltaLink"]
    token = own.bearer()

    def told() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = own.graph(link.removeprefix(f"{ORIGIN}/v1.0"), token=token).body["value"]
        return rows

    own.patch(PATH, {"accountEnabled": False})
    assert own.sign_in().code == 50057
    own.clock.advance(20)
    own.patch(PATH, {"accountEnabled": True, "passwordProfile": {"password": NEW, **MUST_CHANGE}})
    assert own.sign_in(NEW).code == 50055
    assert (shown(own, *names), told()) == (before, [])
    own.clock.advance(10)
    assert shown(own, *names) == [False, *before[1:]]
    assert told() == [{"id": own.user().id, "accountEnabled": False}]
    assert own.graph("/users?$filter=accountEnabled eq true").body["value"] == []
    own.clock.advance(20)
    enabled, changed, profile = shown(own, *names)
    assert (enabled, changed) == (True, "2026-05-04T12:00:20Z")
    assert profile["forceChangePasswordNextSignIn"] is True
    assert told() == [{"id": own.user().id, "accountEnabled": True}]
    assert own.directory.late_users == {}


def test_an_account_that_is_removed_meanwhile() -> None:
    own = world(write_delay_seconds=30)
    own.patch(PATH, {"accountEnabled": False})
    own.directory.change_user(UPN, deleted=NOW)
    own.directory.purge_user(own.directory.id_of(UPN) or "")
    own.clock.advance(timedelta(minutes=1).total_seconds())
    assert own.graph("/users").body["value"] == []
