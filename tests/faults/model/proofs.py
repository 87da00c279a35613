"""What must hold of the verdicts, at every moment and when everything has come to rest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.exposures.models import Credential, VerdictRecord
from emberwatch.exposures.services import open_secret
from emberwatch.validation.choosing import MOST_UNCLEAR_ANSWERS
from emberwatch.validation.evidence import SIGN_IN
from emberwatch.validation.models import Attempt, AttemptState
from tests.faults.model.directory import SimulatedDirectory
from tests.faults.model.installation import Installation
from tests.faults.model.watched import Sent, Violation

MOST_ROUNDS: Final = 400
NO_PASSWORD: Final = 50056
SAYS_WRONG: Final = (Verdict.INACTIVE, Verdict.SUPERSEDED, Verdict.IMPOSSIBLE)


class Proofs:
    """Follows the verdicts of one installation."""

    def __init__(self, installation: Installation) -> None:
        self._ours = installation
        self._seen: set[UUID] = set()

    # At every moment

    def verdicts_are_true(self) -> None:
        """Of each verdict that is new: it was true at some moment since its facts were read."""
        rows = VerdictRecord.objects.filter(tenant__in=self._ours.tenants).exclude(pk__in=self._seen)
        for row in rows.select_related("credential"):
            self._seen.add(row.pk)
            self._judge(row)

    def _judge(self, row: VerdictRecord) -> None:
        directory, account, password = self.truth_about(row.credential)
        sent = self._sent(row.evidence.get("correlation_id", ""))
        proved = row.certainty == Certainty.PROVED
        if Verdict(row.verdict).group is VerdictGroup.ACTIVE:
            if sent is None or (proved and not sent.right):
                raise Violation(f"{row.verdict} for a wrong password of {account}")
        elif proved and row.verdict in SAYS_WRONG and not self._excused(directory, account):
            since = sent.step if sent is not None else self._since()
            right = [sent.right] if sent is not None else [*directory.was_right(account, password, since)]
            if all(right):
                raise Violation(f"proved {row.verdict} for the right password of {account}: {row.evidence}")

    def _since(self) -> int:
        return min(
            (w.began_at_step for w in self._ours.workers if w.busy), default=self._ours.directories.step
        )

    def _excused(self, directory: SimulatedDirectory, account: str) -> bool:
        """A domain that is federated since the facts were read answers “wrong” to everything."""
        return (account, "federated") in directory.barred

    def _sent(self, request_id: str) -> Sent | None:
        return next((each for each in self._ours.directories.sent if each.request_id == request_id), None)

    def truth_about(self, credential: Credential) -> tuple[SimulatedDirectory, str, str]:
        number = next(n for n, t in enumerate(self._ours.tenants) if t.pk == credential.tenant_id)
        directory = self._ours.directory_of(number)
        user = next(u for u in directory.accounts if u.scenario.upn == credential.login)
        return directory, user.id, open_secret(credential).expose()

    # When everything has come to rest

    def answers_are_kept(self) -> None:
        """Every answer that was received stands in the ledger and in the credential's history."""
        told = {each.request_id: each for each in self._ours.directories.sent if each.told}
        attempts = {str(row.pk): row for row in Attempt.objects.filter(pk__in=told)}
        histories = VerdictRecord.objects.filter(tenant__in=self._ours.tenants, evidence__method=SIGN_IN)
        written = set(histories.values_list("evidence__correlation_id", flat=True))
        for request_id, sent in told.items():
            row = attempts.get(request_id)
            if row is None or (sent.code is not None and row.state != AttemptState.ANSWERED):
                raise Violation(f"the answer to {request_id} is not in the ledger")
            if request_id not in written:
                raise Violation(f"the answer to {request_id} is not in the history of its credential")

    def everything_was_sent_from_the_ledger(self) -> None:
        sent = {each.request_id for each in self._ours.directories.sent}
        known = {str(pk) for pk in Attempt.objects.filter(pk__in=sent).values_list("pk", flat=True)}
        if sent - known:
            raise Violation("a sign-in stands in no ledger")

    def nothing_stays_open(self) -> None:
        if self._ours.open_work():
            validations = list(self._ours.open_validations())
            raise Violation(f"work stays open: {self._ours.queue} {validations}")

    def every_credential_is_decided_rightly(self) -> None:
        for credential in self._ours.credentials:
            credential.refresh_from_db()
            self._decided(credential)

    def _decided(self, credential: Credential) -> None:
        directory, account, password = self.truth_about(credential)
        verdict, said = Verdict(credential.verdict), f"{credential.login}: {credential.verdict}"
        if any(key[0] == account for key in directory.barred):
            return
        right = directory.password_of(account) == password
        if verdict.group is VerdictGroup.ACTIVE and not right:
            raise Violation(f"{said} although the password is wrong")
        if right and verdict in SAYS_WRONG and not self._may_stay_open(directory, account, credential):
            raise Violation(f"{said} ({credential.certainty}) although the password is right")
        settled = verdict.group in (VerdictGroup.ACTIVE, VerdictGroup.NOT_ACTIVE)
        if not settled and not self._may_stay_open(directory, account, credential):
            last = credential.verdict_records.first()
            raise Violation(f"{said} when everything is at rest: {last.evidence if last else ''}")

    def _may_stay_open(self, directory: SimulatedDirectory, account: str, credential: Credential) -> bool:
        """No safe try is left: no number of failures is safe here, or so many failed in a row already."""
        if self._said_to_have_no_password(directory, account):
            return True
        rules, user = directory.rules, directory.state.users[account]
        if rules.allowed(synced=user.scenario.synced) == 0 or self._ours.begin.allowed == 0:
            return True
        rows = Attempt.objects.filter(entra_tenant_id=directory.id, object_id=account)
        if rows.filter(counts_as_failed=True).count() >= rules.threshold - 1:
            return True
        unclear = rows.filter(credential=credential, counts_as_failed=True).exclude(
            verdict__in=(Verdict.INACTIVE, Verdict.IMPOSSIBLE)
        )
        return unclear.count() >= MOST_UNCLEAR_ANSWERS

    def _said_to_have_no_password(self, directory: SimulatedDirectory, account: str) -> bool:
        """Such an account is not tried again before its password changes."""
        told = [e for e in self._ours.directories.sent if e.account == account and e.told]
        changed_at, _ = directory.passwords[account][-1]
        return any(each.code == NO_PASSWORD and each.step >= changed_at for each in told)


def come_to_rest(ours: Installation, proofs: Proofs, end: timedelta) -> None:
    """Mends everything, lets one last run look at the whole feed, and works until nothing is left."""
    ours.mend()
    _work(ours, proofs, ours.now() + timedelta(days=3))
    ours.pass_time(timedelta(days=32).total_seconds())
    for tenant in range(len(ours.tenants)):
        ours.check_if_stopped(tenant)
        ours.change_run(tenant, "resume")
        ours.start(tenant)
    _work(ours, proofs, ours.now() + end)
    proofs.answers_are_kept()
    proofs.everything_was_sent_from_the_ledger()
    proofs.nothing_stays_open()
    proofs.every_credential_is_decided_rightly()


def _work(ours: Installation, proofs: Proofs, until: Any) -> None:
    worker = ours.workers[0]
    for each in ours.workers:
        while each.busy:
            ours.advance(each)
    rounds = 0
    while ours.now() < until and ours.open_work():
        rounds += 1
        if rounds > MOST_ROUNDS:
            raise Violation(f"does not come to rest: {[run.sentence for run in ours.open_runs()]}")
        while ours.advance(worker):
            pass
        proofs.verdicts_are_true()
        ours.wait_for_work(until)
