"""A reservation is sent at once or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import pytest

from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Verdict
from emberwatch.directories.base import AccountFacts, Directory, SignInReply
from emberwatch.validation.attempting import SENT_WITHIN, send
from emberwatch.validation.ledger import ABANDONED_AFTER
from emberwatch.validation.models import Attempt

RESERVED: datetime = datetime(2026, 3, 1, tzinfo=UTC)
ANN = cast(AccountFacts, object())


class Counting:
    """A directory that counts what arrives."""

    def __init__(self) -> None:
        self.arrived: list[UUID] = []

    def sign_in(self, account: AccountFacts, password: Secret, request_id: UUID) -> SignInReply:
        self.arrived.append(request_id)
        return cast(SignInReply, account)


@pytest.mark.parametrize(
    ("after", "sent"),
    [
        (timedelta(0), True),
        (SENT_WITHIN, True),
        (SENT_WITHIN + timedelta(seconds=1), False),
        (timedelta(days=2), False),
    ],
)
def test_what_a_halted_process_had_reserved_is_not_sent_when_it_wakes(after: timedelta, sent: bool) -> None:
    directory, attempt = Counting(), Attempt(id=uuid4(), reserved_at=RESERVED)
    reply = send(cast(Directory, directory), ANN, Secret("Spring-2026!"), attempt, lambda: RESERVED + after)
    assert directory.arrived == ([attempt.id] if sent else [])
    if not sent:
        assert (reply.verdict, reply.counts_as_failed) == (Verdict.INCONCLUSIVE, False)


def test_a_process_stops_sending_before_others_stop_waiting_for_it() -> None:
    assert SENT_WITHIN * 5 <= ABANDONED_AFTER
