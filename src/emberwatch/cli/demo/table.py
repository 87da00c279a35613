"""What came of the run: the table of verdicts, and every credential compared with the truth."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from emberwatch.cli.demo.scenario import Company, Leaked
from emberwatch.core.verdict import Verdict
from emberwatch.exposures.models import Credential
from emberwatch.exposures.services import open_secret
from emberwatch.validation.models import Attempt

COLUMNS: Final = ("Group", "Verdict", "Credentials", "Sign-ins sent", "Example")

Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """A stored credential; ``attempts`` counts the sign-ins that were sent for it."""

    login: str
    password: str
    verdict: Verdict
    attempts: int


def read() -> list[Found]:
    """Every credential of the demo. Its passwords are made up, and compared with what was made up."""
    sent = Counter(Attempt.objects.values_list("credential_id", flat=True))
    return [
        Found(row.login, open_secret(row).expose(), Verdict(row.verdict), sent[row.id])
        for row in Credential.objects.order_by("id")
    ]


def rows(found: Sequence[Found]) -> Iterator[tuple[str, ...]]:
    for verdict in Verdict:
        of_it = [credential for credential in found if credential.verdict is verdict]
        attempts = sum(credential.attempts for credential in of_it)
        example = of_it[0].login if of_it else ""
        yield verdict.group.label, verdict.label, str(len(of_it)), str(attempts), example
    yield "", "Total", str(len(found)), str(sum(credential.attempts for credential in found)), ""


def differences(world: Sequence[Company], found: Sequence[Found]) -> Iterator[str]:
    """One sentence for each credential that is missing, surplus, or has another verdict than is true."""
    truth = {(leaked.login, leaked.password): leaked for company in world for leaked in company.leaked}
    stored = {(credential.login, credential.password): credential for credential in found}
    for login, _ in truth.keys() - stored.keys():
        yield f"{login}: a leaked credential was not stored"
    for login, _ in stored.keys() - truth.keys():
        yield f"{login}: a credential was stored that never leaked"
    both = [(truth[pair], stored[pair]) for pair in truth.keys() & stored.keys()]
    yield from _single_differences(both)
    yield from _account_differences(both)


def _single_differences(both: Sequence[tuple[Leaked, Found]]) -> Iterator[str]:
    for leaked, credential in both:
        if not leaked.order_decides and credential.verdict is not leaked.verdict:
            yield f"{leaked.login}: {leaked.verdict} is true, {credential.verdict} was found"


def _account_differences(both: Sequence[tuple[Leaked, Found]]) -> Iterator[str]:
    true: dict[str, Counter[Verdict]] = defaultdict(Counter)
    found: dict[str, Counter[Verdict]] = defaultdict(Counter)
    for leaked, credential in both:
        if leaked.order_decides:
            true[leaked.login][leaked.verdict] += 1
            found[leaked.login][credential.verdict] += 1
    for login in true:
        if true[login] != found[login]:
            yield f"{login}: {dict(true[login])} is true, {dict(found[login])} was found"
