from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from emberwatch.simulator import Cloud, DomainScenario, ScriptedAnswer
from emberwatch.simulator.password_grant import CHECKS
from tests.unit.simulator.worlds import (
    DIRECTORY_ID,
    PASSWORD,
    UPN,
    Lab,
    a_guid,
    app,
    directory,
    lab,
    scenario,
    user,
)

WRONG = "not the password"


def test_a_right_password_gets_a_token_and_only_what_was_asked_for() -> None:
    body = lab().sign_in().body
    assert set(body) == {"token_type", "scope", "expires_in", "ext_expires_in", "access_token", "id_token"}
    assert body["scope"] == "openid"
    wider = lab().sign_in(scope="openid offline_access").body
    assert "refresh_token" in wider
    no_openid = lab(apps=[app(consented_scopes=("User.Read",))]).sign_in(scope="User.Read").body
    assert "id_token" not in no_openid


ONE_OBSTACLE: list[tuple[str, dict[str, Any], str, int]] = [
    ("wrong", {}, WRONG, 50126),
    ("case matters", {}, PASSWORD.lower(), 50126),
    ("disabled", {"enabled": False}, PASSWORD, 50057),
    ("disabled and wrong", {"enabled": False}, WRONG, 50057),
    ("expired", {"password_expired": True}, PASSWORD, 50055),
    ("expired but wrong", {"password_expired": True}, WRONG, 50126),
    ("no password", {"password": None}, WRONG, 50056),
    ("second factor", {"mfa": "required"}, PASSWORD, 50076),
    ("second factor but wrong", {"mfa": "required"}, WRONG, 50126),
    ("enrolment", {"mfa": "enroll"}, PASSWORD, 50079),
    ("policy", {"blocked_by_policies": ("p1",)}, PASSWORD, 53003),
    ("external challenge", {"external_challenge": True}, PASSWORD, 50158),
    ("deleted", {"deleted": datetime(2026, 1, 1, tzinfo=UTC)}, PASSWORD, 50034),
    ("guest", {"user_type": "Guest"}, PASSWORD, 50020),
    ("guest with a personal account", {"user_type": "Guest", "home": "msa"}, PASSWORD, 500208),
    ("guest by one-time code", {"user_type": "Guest", "home": "otp", "password": None}, WRONG, 500346),
    ("locked by others", {"locked_seconds": 600}, PASSWORD, 50053),
    ("blank edge, even when it is right", {"password": " edge "}, " edge ", 50126),
    ("blank edge, stripped by the caller", {"password": " edge "}, "edge", 50126),
    ("too long", {}, "x" * 257, 50052),
    ("longest", {"password": "x" * 256}, "x" * 256, 0),
    ("beyond ASCII", {"password": "Пароль-ß-パス-🔑"}, "Пароль-ß-パス-🔑", 0),
    ("a previous one", {"previous_passwords": ("Old-1",)}, "Old-1", 50126),
    ("a previous one, told", {"previous_passwords": ("Old-1",), "previous_answer": 50054}, "Old-1", 50054),
    ("told, but never used", {"previous_passwords": ("Old-1",), "previous_answer": 50054}, WRONG, 50126),
]


@pytest.mark.parametrize(
    ("changes", "password", "code"), [row[1:] for row in ONE_OBSTACLE], ids=[row[0] for row in ONE_OBSTACLE]
)
def test_one_obstacle(changes: dict[str, Any], password: str, code: int) -> None:
    assert lab(users=[user(**changes)]).sign_in(password).code == code


@pytest.mark.parametrize(
    ("username", "code"),
    [
        ("ANN@CORP.EXAMPLE", 0),
        ("bob@corp.example", 50034),
        ("ann", 50034),
        ("ann@nowhere.example", 50059),
        ("ann@subsidiary.example", 50034),
    ],
)
def test_user_names(username: str, code: int) -> None:
    other = directory(id=a_guid(), domains=(DomainScenario(name="subsidiary.example"),), users=(), apps=())
    assert Lab(scenario(directory(), other)).sign_in(username=username).code == code


def test_a_mail_address_signs_in_only_where_the_directory_allows_it() -> None:
    ann = user(mail="ann.other@corp.example")
    assert lab(users=[ann]).sign_in(username="ann.other@corp.example").code == 50034
    assert lab(users=[ann], alternate_login=True).sign_in(username="ann.other@corp.example").code == 0


def test_a_federated_user_is_told_wrong_even_when_the_password_is_right() -> None:
    fred = user(upn="fred@fed.example")
    assert lab(users=[fred]).sign_in(username=fred.upn).code == 50126
    assert lab(users=[fred]).sign_in(WRONG, username=fred.upn).code == 50126


@pytest.mark.parametrize(
    ("policy", "hash_sync", "code"), [(True, True, 0), (True, False, 50126), (False, True, 50126)]
)
def test_the_cloud_checks_a_federated_password_only_with_policy_and_hash_sync(
    policy: bool, hash_sync: bool, code: int
) -> None:
    fred = user(upn="fred@fed.example")
    world = lab(users=[fred], apps=[app(cloud_password_validation=policy)], password_hash_sync=hash_sync)
    assert world.sign_in(username=fred.upn).code == code


def test_the_table_of_checks_is_the_order_of_the_codes() -> None:
    """One account meets every obstacle; taking away the first each time shows the next."""
    world = lab(
        users=[
            user(
                answer=ScriptedAnswer(code=90033, when="any"),
                enabled=False,
                locked_seconds=60,
                password_expired=True,
                mfa="required",
                blocked_by_policies=("p1",),
                external_challenge=True,
            )
        ],
        apps=[app(assignment_required=True, consented_scopes=())],
    )
    own = world.directory

    def unlock() -> None:
        world.clock.advance(61)

    def change_app(**changes: Any) -> None:
        own.put_app(app(**changes))

    steps: list[tuple[int, Any]] = [
        (90033, lambda: own.change_user(UPN, answer=None)),
        (50057, lambda: own.change_user(UPN, enabled=True)),
        (50053, unlock),
        (50055, lambda: own.change_user(UPN, password_expired=False)),
        (50105, lambda: change_app(assignment_required=True, assigned_users=(UPN,), consented_scopes=())),
        (65001, change_app),
        (50076, lambda: own.change_user(UPN, mfa="none")),
        (53003, lambda: own.change_user(UPN, blocked_by_policies=())),
        (50158, lambda: own.change_user(UPN, external_challenge=False)),
    ]
    for code, remove in steps:
        assert world.sign_in().code == code
        remove()
    assert world.sign_in().code == 0


def test_everything_before_the_password_says_nothing_about_it_and_everything_after_proves_it() -> None:
    told = [check.password for check in CHECKS]
    first_right = told.index("right")
    assert "right" not in told[:first_right]
    assert set(told[first_right:]) == {"right"}
    assert CHECKS[first_right - 1].name == "the password is right"


@pytest.mark.parametrize(
    ("position", "password", "code"),
    [
        ("before_password", WRONG, 50057),
        ("after_password", WRONG, 50126),
        ("after_password", PASSWORD, 50057),
    ],
)
def test_where_a_disabled_account_is_noticed_is_the_directorys_choice(
    position: str, password: str, code: int
) -> None:
    assert lab(users=[user(enabled=False)], disabled_check=position).sign_in(password).code == code


@pytest.mark.parametrize(
    ("answer", "password", "codes"),
    [
        (ScriptedAnswer(code=599999), WRONG, [599999]),
        (ScriptedAnswer(code=599999, when="right"), WRONG, [50126]),
        (ScriptedAnswer(code=599999, when="right"), PASSWORD, [599999]),
        (ScriptedAnswer(code=50126, when="wrong", extra_codes=(70002,)), WRONG, [70002, 50126]),
        (ScriptedAnswer(code=50064, when="wrong"), PASSWORD, None),
    ],
)
def test_scripted_answers(answer: ScriptedAnswer, password: str, codes: list[int] | None) -> None:
    assert lab(users=[user(answer=answer)]).sign_in(password).body.get("error_codes") == codes


def test_a_scripted_answer_may_end_after_some_times_and_have_a_shape_of_its_own() -> None:
    odd = ScriptedAnswer(code=90033, times=2, error="temporarily_unavailable", suberror="odd", status=503)
    world = lab(users=[user(answer=odd)])
    first = world.sign_in()
    assert (first.status, first.body["error"], first.body["suberror"]) == (
        503,
        "temporarily_unavailable",
        "odd",
    )
    assert [world.sign_in().code for _ in range(2)] == [90033, 0]


@pytest.mark.parametrize(
    ("cloud", "threshold", "tries_until_locked"),
    [(Cloud.GLOBAL, None, 10), (Cloud.CHINA, None, 10), (Cloud.USGOV, None, 3), (Cloud.GLOBAL, 5, 5)],
)
def test_smart_lockout_follows_the_cloud_or_the_directorys_own_rules(
    cloud: Cloud, threshold: int | None, tries_until_locked: int
) -> None:
    world = Lab(scenario(directory(lockout_threshold=threshold), cloud=cloud))
    codes = [world.sign_in(f"wrong {number}").code for number in range(tries_until_locked + 1)]
    assert codes == [50126] * tries_until_locked + [50053]
    assert world.sign_in(PASSWORD).code == 50053
    world.clock.advance(60)
    assert world.sign_in(PASSWORD).code == 0


def test_repeating_a_wrong_password_locks_only_a_pass_through_account() -> None:
    synced = user(synced=True)
    for pass_through, last in ((False, 0), (True, 50053)):
        world = lab(users=[synced], pass_through=pass_through)
        for _ in range(10):
            assert world.sign_in(WRONG).code == 50126
        assert world.sign_in(PASSWORD).code == last


def test_a_right_password_resets_the_counter_even_when_the_sign_in_ends_in_a_challenge() -> None:
    world = lab(users=[user(mfa="required")], lockout_threshold=3)
    for number in range(6):
        assert world.sign_in(f"wrong {number}").code == 50126
        assert world.sign_in(PASSWORD).code == 50076


@pytest.mark.parametrize("code", [80001, 80002, 80007, 80014])
def test_agents_that_fail_answer_for_pass_through_users_only_and_count_nothing(code: int) -> None:
    world = lab(users=[user(synced=True)], pass_through=True, agent_fault=code)
    assert [world.sign_in(WRONG).code for _ in range(12)] == [code] * 12
    assert lab(users=[user()], pass_through=True, agent_fault=code).sign_in().code == 0


def test_a_blocked_address_is_refused_whatever_the_password_and_locks_nobody() -> None:
    world = lab()
    world.world.sources_blocked = True
    assert [world.sign_in(p).code for p in (PASSWORD, WRONG)] == [50053, 50053]
    world.world.sources_blocked = False
    assert world.sign_in(PASSWORD).code == 0
    assert world.world.locks == []


def test_consent_assignment_and_scopes() -> None:
    assigned = app(assignment_required=True, assigned_users=(UPN.upper(),))
    assert lab(apps=[assigned]).sign_in().code == 0
    assert lab(apps=[replace(assigned, assigned_users=())]).sign_in().code == 50105
    assert lab().sign_in(scope="openid User.Read").code == 65001
    assert lab().sign_in(scope="openid profile offline_access").code == 0


def test_bodies_of_refusals_carry_what_clients_read() -> None:
    block = lab(users=[user(blocked_by_policies=("p1", "p2"))]).sign_in().body
    claims = json.loads(block["claims"])
    assert claims["access_token"]["capolids"]["values"] == ["p1", "p2"]
    assert block["suberror"] == "message_only"
    expired = lab(users=[user(password_expired=True)]).sign_in().body
    assert expired["error"] == "user_password_expired"
    assert expired["password_change_url"].startswith("https://127.0.0.1")
    assert lab(users=[user(mfa="required")]).sign_in().body["suberror"] == "basic_action"


def test_who_caused_a_lock_is_recorded() -> None:
    world = lab(users=[user(failures_by_others=9), user(upn="bea@corp.example", locked_seconds=60)])
    assert world.world.locks_by(["aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"]) == []
    world.sign_in(WRONG)
    (ours,) = world.world.locks_by(["AAAAAAAA-bbbb-4ccc-8ddd-eeeeeeeeeeee"])
    assert (ours.upn, ours.directory_id, ours.caused_by[0]) == (UPN, DIRECTORY_ID, "noise")
    assert {record.upn for record in world.world.locked_accounts()} == {UPN, "bea@corp.example"}
    world.clock.advance(3600)
    assert world.world.locked_accounts() == []
    assert len(world.world.locks) == 2


def test_setting_a_password_takes_effect_dates_the_change_and_unlocks() -> None:
    world = lab(users=[user(locked_seconds=600, previous_answer=50054)])
    world.directory.change_user(UPN, password="Brand-New-2")
    assert world.sign_in("Brand-New-2").code == 0
    assert world.sign_in(PASSWORD).code == 50054
    assert world.user().properties["lastPasswordChangeDateTime"] == "2026-05-04T12:00:00Z"
