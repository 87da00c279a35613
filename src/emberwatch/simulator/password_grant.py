"""The password grant's checks, in order, as a table.

The order client → user → lockout → password → consent, assignment, Conditional Access is inferred from
published answers, not documented. By the time this table is reached the authority, the client and the
request's fields have been accepted. Where the check of a disabled account stands is not known at all, so a
directory chooses; the rest of the order is :data:`CHECKS`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from emberwatch.simulator.codes import Failure
from emberwatch.simulator.lockout import NOISE, record_right, record_wrong
from emberwatch.simulator.sign_in_log import Sender
from emberwatch.simulator.state import AppState, DirectoryState, UserState

_LONGEST_PASSWORD: Final = 256
_GUEST_ANSWERS: Final[Mapping[str, int]] = {"entra": 50020, "msa": 500208, "otp": 500346}
_MFA_ANSWERS: Final[Mapping[str, int]] = {"required": 50076, "enroll": 50079}
_FREE_SCOPES: Final = frozenset({"offline_access", "profile", "email"})
"""They ride along with ``openid`` and need no consent of their own here."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """One password sign-in in progress."""

    directory: DirectoryState
    app: AppState
    username: str
    password: str
    scopes: tuple[str, ...]
    now: datetime
    authority: str
    """The origin that links in the answer start with."""
    user_found: UserState | None
    """The account that the user name means."""
    by: str
    """Who is blamed for a failure: the app's client id, or others."""
    sender: Sender
    """What the sign-in log says of the client."""

    @property
    def user(self) -> UserState:
        if self.user_found is None:
            raise LookupError("the check that the account exists comes first")
        return self.user_found

    @property
    def hashed(self) -> bytes:
        return self.directory.world.hash(self.user.id, self.password)

    @property
    def is_right(self) -> bool:
        held = self.user.password
        # Blanks at either end do not survive this grant, so such a password never matches.
        intact = self.password == self.password.strip()
        return intact and held is not None and hmac.compare_digest(held, self.hashed)

    def failure(self, code: int) -> Failure:
        return Failure(code, {"client_id": self.app.scenario.client_id, "tenant": self.directory.id})


Run = Callable[[SignIn], Failure | None]


@dataclass(frozen=True, slots=True)
class Check:
    """One step. ``password`` says what a refusal by it tells about the password."""

    name: str
    run: Run
    password: Literal["not looked at", "wrong", "right"]


def _user_exists(sign_in: SignIn) -> Failure | None:
    if sign_in.user_found is not None:
        return None
    domain = sign_in.username.rpartition("@")[2]
    known = "@" not in sign_in.username or sign_in.directory.world.directory_with_domain(domain)
    return sign_in.failure(50034 if known else sign_in.directory.scenario.unknown_domain_answer)


def _not_a_guest(sign_in: SignIn) -> Failure | None:
    guest = sign_in.user.scenario
    return sign_in.failure(_GUEST_ANSWERS[guest.home]) if guest.user_type == "Guest" else None


def _scripted(moment: str) -> Run:
    def run(sign_in: SignIn) -> Failure | None:
        user = sign_in.user
        answer = user.scenario.answer
        if answer is None or answer.when != moment or user.answers_left == 0:
            return None
        if user.answers_left is not None:
            user.answers_left -= 1
        return Failure(
            answer.code,
            sign_in.failure(answer.code).values,
            error=answer.error,
            suberror=answer.suberror,
            status=answer.status,
            extra_codes=answer.extra_codes,
        )

    return run


def _domain_is_managed(sign_in: SignIn) -> Failure | None:
    domain = sign_in.directory.domain_of(sign_in.user.scenario.upn)
    if domain is None or domain.authentication == "Managed":
        return None
    checked_here = (
        sign_in.app.scenario.cloud_password_validation and sign_in.directory.scenario.password_hash_sync
    )
    return None if checked_here else sign_in.failure(50126)


def _enabled(position: str) -> Run:
    def run(sign_in: SignIn) -> Failure | None:
        here = sign_in.directory.scenario.disabled_check == position
        return sign_in.failure(50057) if here and not sign_in.user.scenario.enabled else None

    return run


def _source_not_blocked(sign_in: SignIn) -> Failure | None:
    # Others come from elsewhere: what blocks our address does not stop them.
    blocked = sign_in.directory.world.sources_blocked and sign_in.by != NOISE
    return sign_in.failure(50053) if blocked else None


def _not_locked(sign_in: SignIn) -> Failure | None:
    return sign_in.failure(50053) if sign_in.user.lockout.is_locked(sign_in.now) else None


def _has_password(sign_in: SignIn) -> Failure | None:
    return sign_in.failure(50056) if sign_in.user.password is None else None


def _not_too_long(sign_in: SignIn) -> Failure | None:
    return sign_in.failure(50052) if len(sign_in.password) > _LONGEST_PASSWORD else None


def _agents_answer(sign_in: SignIn) -> Failure | None:
    fault = sign_in.directory.scenario.agent_fault
    return sign_in.failure(fault) if fault and sign_in.directory.is_pass_through(sign_in.user) else None


def _password_is_right(sign_in: SignIn) -> Failure | None:
    directory, user = sign_in.directory, sign_in.user
    user.last_sign_in = sign_in.now
    if sign_in.is_right:
        directory.set_lockout(user, record_right(user.lockout, sign_in.now))
        return None
    policy = directory.lockout_policy(user)
    after = record_wrong(user.lockout, policy, sign_in.hashed, by=sign_in.by, now=sign_in.now)
    directory.set_lockout(user, after)
    return _scripted("wrong")(sign_in) or sign_in.failure(_wrong_code(sign_in))


def _wrong_code(sign_in: SignIn) -> int:
    was_right_once = any(hmac.compare_digest(old, sign_in.hashed) for old in sign_in.user.previous)
    return sign_in.user.scenario.previous_answer or 50126 if was_right_once else 50126


def _not_expired(sign_in: SignIn) -> Failure | None:
    own = sign_in.user.scenario
    if not (own.password_expired or own.force_change or own.force_change_with_mfa):
        return None
    link = {"password_change_url": f"{sign_in.authority}/portal/change-password"}
    return Failure(50055, sign_in.failure(50055).values, extra=link)


def _assigned(sign_in: SignIn) -> Failure | None:
    app = sign_in.app.scenario
    assigned = {name.casefold() for name in app.assigned_users}
    refused = app.assignment_required and sign_in.user.scenario.upn.casefold() not in assigned
    return sign_in.failure(50105) if refused else None


def _consented(sign_in: SignIn) -> Failure | None:
    granted = {scope.casefold() for scope in sign_in.app.scenario.consented_scopes}
    asked = {scope.rpartition("/")[2].casefold() for scope in sign_in.scopes} - _FREE_SCOPES
    missing = asked - granted - ({".default"} if granted else set())
    return sign_in.failure(65001) if missing else None


def _second_factor(sign_in: SignIn) -> Failure | None:
    code = _MFA_ANSWERS.get(sign_in.user.scenario.mfa)
    return sign_in.failure(code) if code else None


def _not_blocked_by_policy(sign_in: SignIn) -> Failure | None:
    policies = list(sign_in.user.scenario.blocked_by_policies)
    return policy_block(policies) if policies else None


def _no_external_challenge(sign_in: SignIn) -> Failure | None:
    return sign_in.failure(50158) if sign_in.user.scenario.external_challenge else None


def policy_block(policies: list[str]) -> Failure:
    """53003 with the ids of the policies in its ``claims``."""
    named = ",".join(f'"{policy}"' for policy in policies)
    capolids = '{"access_token":{"capolids":{"essential":true,"values":[' + named + "]}}}"
    return Failure(53003, extra={"claims": capolids})


CHECKS: Final[tuple[Check, ...]] = (
    Check("the account exists", _user_exists, "not looked at"),
    Check("a scripted answer for any try", _scripted("any"), "not looked at"),
    Check("the account signs in here, not at home elsewhere", _not_a_guest, "not looked at"),
    Check("the domain is managed, or the cloud may check", _domain_is_managed, "not looked at"),
    Check("the account is enabled (early)", _enabled("before_password"), "not looked at"),
    Check("the address is not blocked", _source_not_blocked, "not looked at"),
    Check("the account is not locked", _not_locked, "not looked at"),
    Check("the account has a password", _has_password, "not looked at"),
    Check("the password is not too long", _not_too_long, "wrong"),
    Check("the pass-through agents answer", _agents_answer, "not looked at"),
    Check("the password is right", _password_is_right, "wrong"),
    Check("a scripted answer for the right password", _scripted("right"), "right"),
    Check("the account is enabled (late)", _enabled("after_password"), "right"),
    Check("the password has not expired and need not be changed", _not_expired, "right"),
    Check("the user is assigned, where that is required", _assigned, "right"),
    Check("the scopes are consented", _consented, "right"),
    Check("a second factor is not needed", _second_factor, "right"),
    Check("Conditional Access lets it pass", _not_blocked_by_policy, "right"),
    Check("no external challenge stands", _no_external_challenge, "right"),
)


def run_checks(sign_in: SignIn) -> Failure | None:
    """The first refusal, or None: then a token is due. What reached an account stands in the sign-in log."""
    failure = _first_refusal(sign_in)
    if failure is None:
        sign_in.user.last_successful_sign_in = sign_in.now
    if sign_in.user_found is not None:
        sign_in.directory.note_sign_in(sign_in.user_found, sign_in.sender, failure)
    return failure


def _first_refusal(sign_in: SignIn) -> Failure | None:
    for check in CHECKS:
        failure = check.run(sign_in)
        if failure is not None:
            return failure
    return None
