"""Where credentials come from and when they leaked; whose they are; what stays when a pair is seen again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.errors import BadInput
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.exposures.models import Credential, Sighting
from emberwatch.exposures.queries import FeedFilter, feed_page
from emberwatch.exposures.services import set_verdict
from emberwatch.ingestion.models import Import
from emberwatch.ingestion.services import ImportOptions, import_file
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.queries import watchlist_of
from emberwatch.tenants.services import set_watchlist
from tests.factories import NOW, make_tenant
from tests.integration.ingestion.test_import import stealer_archive

pytestmark = pytest.mark.django_db

ANN = "ann@contoso.example:first-pw\n"
EARLY, LATE = datetime(2023, 1, 2, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)


def imported(tenant: Tenant, path: Path, data: str | bytes, **options: object) -> Import:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return import_file(tenant, path, ImportOptions(**options), actor=SYSTEM)  # type: ignore[arg-type]


def best() -> tuple[datetime | None, str]:
    row = Credential.objects.get(login="ann@contoso.example")
    return row.leaked_at, row.leaked_at_basis


def test_a_better_kind_of_date_replaces_a_worse_one_and_never_the_other_way(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    first = imported(tenant, tmp_path / "a.txt", ANN)
    assert best() == (first.requested_at, "first_seen")
    imported(tenant, tmp_path / "b.txt", ANN, leaked_at=LATE)
    assert best() == (LATE, "stated")
    imported(tenant, tmp_path / "c.txt", ANN, breached_at=EARLY)
    assert best() == (EARLY, "breach")
    imported(tenant, tmp_path / "d.txt", ANN)
    imported(tenant, tmp_path / "e.txt", ANN, leaked_at=LATE)
    assert best() == (EARLY, "breach")
    imported(tenant, tmp_path / "f.txt", ANN, breached_at=LATE)
    assert best() == (LATE, "breach")
    assert Sighting.objects.count() == 6


def test_a_machine_tells_when_it_was_infected(tmp_path: Path) -> None:
    archive = stealer_archive().replace(b"Log date: 12/05/2026 10:00:00", b"Log date: 2026-05-12 10:00:00")
    imported(make_tenant("contoso.example"), tmp_path / "logs.zip", archive, leaked_at=LATE)
    assert set(Credential.objects.values_list("leaked_at_basis", flat=True)) <= {"infection", "stated"}


def test_a_verdict_stays_when_the_pair_is_seen_again(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    imported(tenant, tmp_path / "a.txt", ANN)
    ann = Credential.objects.get()
    set_verdict(ann, Verdict.INACTIVE, Certainty.PROVED, {"method": "one sign-in"}, actor=SYSTEM, now=NOW)
    again = imported(tenant, tmp_path / "b.txt", ANN)
    ann = Credential.objects.get()
    assert (ann.verdict, ann.certainty, ann.last_seen_at) == ("inactive", "proved", again.requested_at)
    assert ann.sightings.count() == 2


def test_the_same_row_many_times_in_one_leak_is_one_sighting_at_its_first_line(tmp_path: Path) -> None:
    done = imported(make_tenant("contoso.example"), tmp_path / "a.txt", "x@y.test:pw\n" + ANN * 5)
    assert (done.matched_new, done.duplicate, done.foreign) == (1, 4, 1)
    assert Sighting.objects.get().line == 2


def test_foreign_logins_at_own_hosts_are_kept_apart(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    set_watchlist(tenant, ["Mira@Freemail.test"], ["login.contoso-apps.example"], actor=SYSTEM, now=NOW)
    leak = (
        "https://login.contoso-apps.example/x:customer@mail.test:pw-one\n"
        "https://elsewhere.test/x:mira@freemail.test:pw-two\n"
        "https://elsewhere.test/x:ann@contoso.example:pw-three\n"
        "https://elsewhere.test/x:other@freemail.test:pw-four\n"
    )
    done = imported(tenant, tmp_path / "leak.txt", leak)
    assert (done.matched_new, done.foreign) == (3, 1)
    kinds = dict(Credential.objects.values_list("login", "exposure_kind"))
    assert kinds == {
        "customer@mail.test": "external",
        "mira@freemail.test": "employee",
        "ann@contoso.example": "employee",
    }
    external = feed_page(tenant, FeedFilter(exposure_kind="external")).credentials
    assert [(row.login, row.domain) for row in external] == [
        ("customer@mail.test", "login.contoso-apps.example")
    ]


def test_what_is_no_address_and_no_host_is_refused_and_changes_nothing() -> None:
    tenant = make_tenant("contoso.example")
    set_watchlist(tenant, ["a@b.test"], ["vpn.b.test"], actor=SYSTEM, now=NOW)
    for addresses, hosts, field in ((["nonsense"], [], "addresses"), ([], ["http://x/"], "login_hosts")):
        with pytest.raises(BadInput) as caught:
            set_watchlist(tenant, addresses, hosts, actor=SYSTEM, now=NOW)
        assert caught.value.field == field
    assert watchlist_of(tenant).addresses == {"a@b.test"}
