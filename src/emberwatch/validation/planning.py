"""Plans a run: which credentials are in question, grouped by login, the likeliest first. Streams, whatever the size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, Literal
from uuid import UUID

from django.db import connection, transaction

from emberwatch.core.verdict import Verdict
from emberwatch.exposures.models import Credential, ExposureKind, Sighting
from emberwatch.validation.addressing import Share
from emberwatch.validation.likelihood import SIGN_IN_PAGES, Candidate, likelihood
from emberwatch.validation.models import OPEN_STATES, ItemState, Run, RunItem, Validation
from emberwatch.validation.policy import CONFIRMABLE, REVALIDATE_AFTER

FETCH: Final = 20_000

# Verdicts that a run asks about whatever their age; the rest stand until they are due.
UNSETTLED: Final = (Verdict.UNVALIDATED, Verdict.THROTTLED, Verdict.INCONCLUSIVE, Verdict.LOCKED)


@dataclass(frozen=True, slots=True)
class PlannedLogin:
    login: str
    score: float
    credentials: int


def in_question(now: datetime, *, confirm_likely: bool) -> tuple[str, list[Any]]:
    """The condition, in SQL over the table of credentials ``c``, and its values."""
    clauses, values = ["c.verdict = ANY(%s)"], [[verdict.value for verdict in UNSETTLED]]
    parameters: list[Any] = list(values)
    if confirm_likely:
        clauses.append("(c.certainty = 'likely' AND c.verdict = ANY(%s))")
        parameters.append(sorted(verdict.value for verdict in CONFIRMABLE))
    for verdict, interval in REVALIDATE_AFTER.items():
        if verdict not in UNSETTLED:
            clauses.append("(c.verdict = %s AND coalesce(c.looked_at, c.verdict_at) <= %s)")
            parameters += [verdict.value, now - interval]
    return f"({' OR '.join(clauses)})", parameters


def plan_run(run: Run, *, now: datetime, confirm_likely: bool) -> None:
    """Writes the run's items in one transaction: all of the plan stands or none of it."""
    share = Share(run.tenant_id, run.entra_tenant_id)
    with transaction.atomic():
        _read_whole_tables()
        RunItem.objects.filter(run=run).delete()
        accounts = credentials = 0
        for batch in _batches(_planned(share, now, confirm_likely)):
            _copy(run.id, batch)
            accounts += len(batch)
            credentials += sum(planned.credentials for planned in batch)
        Run.objects.filter(pk=run.pk).update(planned_at=now, accounts=accounts, credentials=credentials)


def _read_whole_tables() -> None:
    """Right after an import the database knows nothing yet of the new rows and would look each one up by itself."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop TO off")


def has_questions(share: Share, *, now: datetime, confirm_likely: bool) -> bool:
    """Whether a run in a directory would find anything to look at."""
    return bool(_scalar("EXISTS", share, now, confirm_likely))


def count_questions(share: Share, *, now: datetime, confirm_likely: bool) -> int:
    """How many credentials a run in a directory would be about."""
    return int(_scalar("count", share, now, confirm_likely))


def _scalar(kind: Literal["EXISTS", "count"], share: Share, now: datetime, confirm_likely: bool) -> Any:
    where, values = _in_share(share, now, confirm_likely)
    table = Credential._meta.db_table
    rows = f"FROM {table} c WHERE {where}"
    query = f"SELECT EXISTS (SELECT 1 {rows})" if kind == "EXISTS" else f"SELECT count(*) {rows}"
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()[0]


def _in_share(share: Share, now: datetime, confirm_likely: bool) -> tuple[str, list[Any]]:
    """The credentials ``c`` that go to a directory, are in question, and that no open validation is about."""
    condition, values = in_question(now, confirm_likely=confirm_likely)
    goes_there, places = share.condition()
    where = f"""c.tenant_id = %s AND c.exposure_kind = %s AND {condition} AND NOT EXISTS (
        SELECT 1 FROM {Validation._meta.db_table} v WHERE v.credential_id = c.id AND v.state = ANY(%s)
    ){goes_there}"""  # noqa: S608 - identifiers come from the models and the condition from constants
    open_states = [state.value for state in OPEN_STATES]
    return where, [share.tenant_id, ExposureKind.EMPLOYEE.value, *values, open_states, *places]


def _planned(share: Share, now: datetime, confirm_likely: bool) -> Iterator[PlannedLogin]:
    rows = _rows(share, now, confirm_likely)
    for login, members in groupby(rows, key=itemgetter(0)):
        scores = [likelihood(Candidate(*facts), now) for _, *facts in members]
        yield PlannedLogin(login, max(scores), len(scores))


def _rows(share: Share, now: datetime, confirm_likely: bool) -> Iterator[Sequence[Any]]:
    """Login and the facts of a :class:`Candidate`, in the order of logins."""
    where, values = _in_share(share, now, confirm_likely)
    credentials, sightings = Credential._meta.db_table, Sighting._meta.db_table
    query = f"""
        SELECT c.login_canonical, c.source_kind, coalesce(c.leaked_at, c.first_seen_at),
               coalesce(s.places, 1), coalesce(s.at_sign_in_page, false)
        FROM {credentials} c
        LEFT JOIN (
            SELECT credential_id, count(*) AS places, bool_or(url ~* %s) AS at_sign_in_page
            FROM {sightings} WHERE tenant_id = %s GROUP BY credential_id
        ) s ON s.credential_id = c.id
        WHERE {where} ORDER BY c.login_canonical
    """  # noqa: S608 - as above; every value is a parameter
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, [SIGN_IN_PAGES, share.tenant_id, *values])
        while rows := cursor.fetchmany(FETCH):
            yield from rows


def _batches(planned: Iterable[PlannedLogin]) -> Iterator[list[PlannedLogin]]:
    batch: list[PlannedLogin] = []
    for each in planned:
        batch.append(each)
        if len(batch) >= FETCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _copy(run_id: UUID, batch: Sequence[PlannedLogin]) -> None:
    columns = "(run_id, login_canonical, state, score, credentials)"
    statement = f"COPY {RunItem._meta.db_table} {columns} FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for each in batch:
            copy.write_row((run_id, each.login, ItemState.FACTS, each.score, each.credentials))
