"""What may be done to an account, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emberwatch.core.errors import BadInput
from emberwatch.directories.actions import (
    ORDER,
    WORDS,
    AccountState,
    ActionKind,
    is_proved,
    is_seen,
    is_so_already,
    still_holds,
)
from emberwatch.remediation.policy import (
    CONTRADICTIONS,
    Belonging,
    Target,
    inverse_of,
    make_plan,
    offers,
    second_person_because,
    why_not,
)
from tests.unit.directories.desk import NOW

GROUP = Belonging("44444444-aaaa-4bbb-8ccc-000000000004", "Leaked", is_role=False, privileged=False)
ADMINS = replace(GROUP, name="Admins", privileged=True)
HELPDESK = Belonging("729827e3-9c14-49f7-bb1b-9608f156bbb8", "Helpdesk", is_role=True, privileged=True)
ANN = Target("33333333-AAAA-4bbb-8ccc-000000000003", "ann@contoso.example", group=GROUP)
PASSWORD = {ActionKind.RESET_PASSWORD, ActionKind.REQUIRE_PASSWORD_CHANGE}
RISK = {ActionKind.MARK_COMPROMISED, ActionKind.DISMISS_RISK}
SWITCH = {ActionKind.DISABLE_ACCOUNT, ActionKind.ENABLE_ACCOUNT}
GROUPS = {ActionKind.ADD_TO_GROUP, ActionKind.REMOVE_FROM_GROUP}
EVERYTHING = set(ActionKind)


@pytest.mark.parametrize(
    ("target", "refused", "sentence"),
    [
        (ANN, set(), ""),
        (replace(ANN, gone=True), EVERYTHING, "not in the directory any more"),
        (
            replace(ANN, protected=frozenset({("account", "ann@contoso.example")})),
            EVERYTHING,
            "never changes it",
        ),
        (
            replace(ANN, protected=frozenset({("account", ANN.object_id.lower())})),
            EVERYTHING,
            "never changes it",
        ),
        (replace(ANN, protected=frozenset({("account", "bob@contoso.example")})), set(), ""),
        (replace(ANN, external=True), PASSWORD | RISK | {ActionKind.REVOKE_SESSIONS}, "is a guest"),
        (replace(ANN, synced=True), PASSWORD | SWITCH, "synchronised from Active Directory"),
        (replace(ANN, lacking=dict.fromkeys(SWITCH, "P.All")), SWITCH, "lacks the permission P.All"),
        (replace(ANN, refused=dict.fromkeys(RISK, "No licence.")), RISK, "No licence."),
        (replace(ANN, group=ADMINS), GROUPS, "can carry a directory role"),
    ],
)
def test_what_is_not_offered_and_why(target: Target, refused: set[ActionKind], sentence: str) -> None:
    found = {offer.kind: offer.why_not for offer in offers(target) if offer.why_not}

    assert set(found) == refused
    assert all(sentence in reason.sentence for reason in found.values())


@pytest.mark.parametrize(
    ("target", "because"),
    [
        (ANN, ""),
        (replace(ANN, belongings=(GROUP,)), ""),
        (replace(ANN, belongings=(GROUP, HELPDESK)), "privileged: it holds the role Helpdesk"),
        (replace(ANN, belongings=(ADMINS,)), "privileged: it is a member of Admins"),
        (replace(ANN, belongings=(GROUP,), protected=frozenset({("group", GROUP.key)})), "is protected"),
        (replace(ANN, belongings=(GROUP,), protected=frozenset({("role", GROUP.key)})), ""),
        (
            replace(ANN, unread="The directory did not tell."),
            "could not be read. The directory did not tell.",
        ),
    ],
)
def test_who_has_to_agree(target: Target, because: str) -> None:
    found = second_person_because(target)

    assert because in found
    assert bool(found) == bool(because)


def test_the_order_fails_safe_whatever_was_chosen_first() -> None:
    wanted = (ActionKind.REVOKE_SESSIONS, ActionKind.MARK_COMPROMISED, ActionKind.DISABLE_ACCOUNT)

    assert make_plan(ANN, wanted).steps == tuple(reversed(wanted))
    assert ORDER[-1] is ActionKind.REVOKE_SESSIONS


@pytest.mark.parametrize("pair", CONTRADICTIONS)
def test_contradictions_are_refused(pair: tuple[ActionKind, ActionKind]) -> None:
    for one in pair:
        assert make_plan(ANN, (one,)).steps == (one,)
    with pytest.raises(BadInput, match="do not go together"):
        make_plan(ANN, pair)


def test_nothing_and_a_group_that_is_not_named_are_refused() -> None:
    with pytest.raises(BadInput, match="at least one"):
        make_plan(ANN, ())
    with pytest.raises(BadInput, match="Name the group"):
        make_plan(replace(ANN, group=None), (ActionKind.ADD_TO_GROUP,))


def test_a_synced_account_comes_with_a_text_for_its_team() -> None:
    target = replace(ANN, synced=True, on_premises_name="CONTOSO\\ann")

    notice = make_plan(target, (ActionKind.REVOKE_SESSIONS,)).notice

    assert "CONTOSO\\ann (ann@contoso.example)" in notice
    assert make_plan(ANN, (ActionKind.REVOKE_SESSIONS,)).notice == ""


def test_every_action_can_be_undone_or_says_why_not() -> None:
    for kind, words in WORDS.items():
        assert bool(words.undone_by) != bool(words.stays), kind
    assert inverse_of((ActionKind.DISABLE_ACCOUNT, ActionKind.REVOKE_SESSIONS)) == (
        ActionKind.ENABLE_ACCOUNT,
    )
    assert set(WORDS) == EVERYTHING


SEEN: dict[ActionKind, tuple[AccountState, AccountState]] = {
    ActionKind.DISABLE_ACCOUNT: (AccountState(NOW, enabled=True), AccountState(NOW, enabled=False)),
    ActionKind.ENABLE_ACCOUNT: (AccountState(NOW, enabled=False), AccountState(NOW, enabled=True)),
    ActionKind.RESET_PASSWORD: (
        AccountState(NOW, last_password_change_at=NOW.replace(year=2020)),
        AccountState(NOW, last_password_change_at=NOW),
    ),
    ActionKind.REQUIRE_PASSWORD_CHANGE: (AccountState(NOW), AccountState(NOW, must_change_password=True)),
    ActionKind.MARK_COMPROMISED: (AccountState(NOW), AccountState(NOW, risk_state="confirmedCompromised")),
    ActionKind.DISMISS_RISK: (
        AccountState(NOW, risk_state="atRisk"),
        AccountState(NOW, risk_state="dismissed"),
    ),
    ActionKind.ADD_TO_GROUP: (AccountState(NOW, in_group=False), AccountState(NOW, in_group=True)),
    ActionKind.REMOVE_FROM_GROUP: (AccountState(NOW, in_group=True), AccountState(NOW, in_group=False)),
    ActionKind.REVOKE_SESSIONS: (
        AccountState(NOW, sessions_valid_from_at=NOW.replace(year=2020)),
        AccountState(NOW, sessions_valid_from_at=NOW),
    ),
}


@pytest.mark.parametrize("kind", list(ActionKind))
def test_an_action_is_seen_by_what_changed_and_not_before(kind: ActionKind) -> None:
    before, after = SEEN[kind]

    assert is_seen(kind, before, after)
    assert is_proved(kind, before, after)
    assert still_holds(kind, before, after)
    assert not is_seen(kind, before, before)
    assert not is_proved(kind, after, after), "what was so before proves nothing"
    assert not is_so_already(kind, before)


def test_sessions_that_ended_in_the_same_second_count_only_with_an_answer() -> None:
    same = AccountState(NOW, sessions_valid_from_at=NOW)

    assert is_seen(ActionKind.REVOKE_SESSIONS, same, same)
    assert not is_proved(ActionKind.REVOKE_SESSIONS, same, same)


def test_a_person_who_chose_a_new_password_has_not_undone_the_demand() -> None:
    before = AccountState(NOW, last_password_change_at=NOW.replace(year=2020))
    answered = AccountState(NOW, last_password_change_at=NOW, must_change_password=False)

    assert still_holds(ActionKind.REQUIRE_PASSWORD_CHANGE, before, answered)


def test_why_not_is_silent_for_an_ordinary_account() -> None:
    assert all(why_not(ANN, kind) is None for kind in ActionKind)
