"""What people close by hand: for how long, for how much, and what opens it again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.audit.models import AuditRow
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput, Conflict, NotAllowed
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.exposures.closing import ClosingForm, close, closing_of, reopen
from emberwatch.exposures.models import Credential, Sighting
from emberwatch.exposures.queries import FeedFilter, feed_count, feed_page
from emberwatch.exposures.services import set_verdict
from emberwatch.tenants.models import Tenant
from tests.factories import make_actor, make_credential, make_tenant

pytestmark = pytest.mark.django_db

REMEDIATED = ClosingForm("remediated", "ticket 7")
WHOLE_LOGIN = ClosingForm("ignored", "a test account", scope="login")


def listed(tenant: Tenant, handling: str) -> set[str]:
    """The passwords' line numbers say nothing, so the ids are compared."""
    wanted = FeedFilter.from_query({"handling": handling})
    page = feed_page(tenant, wanted)
    assert feed_count(tenant, wanted) == len(page.credentials)
    return {str(row.pk) for row in page.credentials}


def everywhere(credential: Credential) -> str:
    """How it is handled, by the list and by its own page alike."""
    credential.refresh_from_db()
    own = closing_of(credential, utc_now())
    [row] = [
        each for each in feed_page(credential.tenant, FeedFilter()).credentials if each.pk == credential.pk
    ]
    assert vars(row)["handling"] == (own.handling if own else "open")
    assert str(credential.pk) in listed(credential.tenant, vars(row)["handling"])
    return str(vars(row)["handling"])


def test_a_pair_is_closed_alone_and_stays_so_when_it_is_seen_again() -> None:
    tenant = make_tenant()
    one, other = make_credential(tenant, password="One-1-one"), make_credential(tenant, password="Two-2-two")
    assert everywhere(one) == "open"

    close(one, REMEDIATED, actor=SYSTEM, now=utc_now())
    again = make_credential(tenant, password="One-1-one")

    assert again.pk == one.pk
    assert Sighting.objects.filter(credential=one).count() == 2
    assert (everywhere(one), everywhere(other)) == ("remediated", "open")
    assert listed(tenant, "open") == {str(other.pk)}


def test_a_login_is_closed_with_what_is_found_of_it_later() -> None:
    tenant, elsewhere = make_tenant(), make_tenant()
    one = make_credential(tenant, password="One-1-one")

    close(one, WHOLE_LOGIN, actor=SYSTEM, now=utc_now())
    later = make_credential(tenant, password="Later-3-later")
    bob = make_credential(tenant, "bob@contoso.example")
    theirs = make_credential(elsewhere, password="One-1-one")

    assert [everywhere(each) for each in (one, later, bob, theirs)] == ["ignored", "ignored", "open", "open"]


def test_it_is_open_again_after_its_end() -> None:
    credential, now = make_credential(make_tenant()), utc_now()

    close(
        credential,
        ClosingForm("ignored", "holidays", until=now + timedelta(hours=1)),
        actor=SYSTEM,
        now=now - timedelta(days=2),
    )
    assert everywhere(credential) == "ignored"
    close(
        credential,
        ClosingForm("ignored", "holidays", until=now - timedelta(hours=1)),
        actor=SYSTEM,
        now=now - timedelta(days=2),
    )

    assert everywhere(credential) == "open"


@pytest.mark.parametrize(
    ("verdict", "minutes", "handling"),
    [
        (Verdict.ACTIVE, 1, "open"),
        (Verdict.ACTIVE_CHALLENGED, 1, "open"),
        (Verdict.ACTIVE, -1, "remediated"),
        (Verdict.INACTIVE, 1, "remediated"),
    ],
)
def test_a_password_that_is_active_later_opens_it(verdict: Verdict, minutes: int, handling: str) -> None:
    credential, now = make_credential(make_tenant()), utc_now()
    close(credential, REMEDIATED, actor=SYSTEM, now=now)

    at = now + timedelta(minutes=minutes)
    set_verdict(credential, verdict, Certainty.PROVED, {"method": "a test"}, actor=SYSTEM, now=at)

    assert everywhere(credential) == handling


def test_people_open_it_again_and_both_are_in_the_audit() -> None:
    credential = make_credential(make_tenant())
    analyst = make_actor(credential.tenant, "analyst")
    close(credential, REMEDIATED, actor=analyst, now=utc_now())

    reopen(credential, reason="it was not", actor=analyst, now=utc_now())

    assert everywhere(credential) == "open"
    rows = AuditRow.objects.order_by("sequence").filter(subject=f"credential:{credential.pk}")
    assert list(rows.values_list("action", "reason")) == [
        ("credential.closed", "ticket 7"),
        ("credential.reopened", "it was not"),
    ]
    with pytest.raises(Conflict):
        reopen(credential, reason="again", actor=analyst, now=utc_now())


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (ClosingForm("open", "why"), "handling"),
        (ClosingForm("ignored", " "), "reason"),
        (ClosingForm("ignored", "\x00"), "reason"),
        (ClosingForm("ignored", "x" * 501), "reason"),
        (ClosingForm("ignored", "why", scope="tenant"), "scope"),
        (ClosingForm("ignored", "why", until=utc_now() - timedelta(days=1)), "until"),
    ],
)
def test_what_cannot_be_meant_is_refused(form: ClosingForm, field: str) -> None:
    credential = make_credential(make_tenant())

    with pytest.raises(BadInput) as refused:
        close(credential, form, actor=SYSTEM, now=utc_now())

    assert refused.value.field == field
    assert everywhere(credential) == "open"


def test_a_viewer_closes_nothing() -> None:
    credential = make_credential(make_tenant())

    with pytest.raises(NotAllowed):
        close(credential, REMEDIATED, actor=make_actor(credential.tenant, "viewer"), now=utc_now())

    assert everywhere(credential) == "open"
