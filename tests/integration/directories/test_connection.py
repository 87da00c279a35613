"""Saving and checking a connection: every fault of a registration becomes one plain sentence."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.audit.models import AuditRow
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput, NotAllowed
from emberwatch.core.secret import Secret
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.services import ConnectionForm, check_connection, save_connection, set_disabled
from emberwatch.simulator import AppScenario, DomainScenario, FaultRule, SecretScenario
from emberwatch.tenants.models import Tenant
from tests.factories import NOW, make_actor, make_tenant
from tests.integration.conftest import StartEntra
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db

OTHER = "33333333-aaaa-4bbb-8ccc-000000000003"


def app(**changes: object) -> AppScenario:
    fields: dict[str, object] = {
        "client_id": APP,
        "secrets": (SecretScenario(value=SECRET),),
        "granted_roles": ("Directory.Read.All",),
        "consented_scopes": ("openid",),
    }
    return AppScenario(**(fields | changes))  # type: ignore[arg-type]


def save(tenant: Tenant, **fields: str) -> DirectoryConnection:
    values = {"client_id": APP, "secret": SECRET, "directory": DIRECTORY, "cloud": "custom"} | fields
    form = ConnectionForm(values["client_id"], values["directory"], values["cloud"], Secret(values["secret"]))
    connection, _ = save_connection(tenant, form, actor=SYSTEM, now=NOW)
    connection.refresh_from_db()
    return connection


def test_a_good_connection_says_what_it_found(start_entra: StartEntra) -> None:
    start_entra(lockout_threshold=12, lockout_seconds=90)
    connection = save(make_tenant("contoso.example", "elsewhere.example"))

    assert connection.status == ConnectionStatus.ACTIVE
    assert connection.last_good_check_at is not None
    assert connection.permissions == ["Directory.Read.All"]
    assert connection.organisation_name == "Contoso"
    assert (connection.lockout_threshold, connection.lockout_seconds) == (12, 90)
    sentences = " ".join(item["sentence"] for item in connection.check_items)
    assert "Not a verified domain of this directory: elsewhere.example." in sentences
    assert "Sign-ins are federated for fed.contoso.example." in sentences
    assert "12 failed tries" in sentences


@pytest.mark.parametrize(
    ("required", "sentence"), [(True, "ends without a token"), (False, "assignment is not required")]
)
def test_what_would_end_without_a_token_is_read(
    start_entra: StartEntra, required: bool, sentence: str
) -> None:
    start_entra(apps=(app(assignment_required=required),))
    connection = save(make_tenant())
    assert connection.status == ConnectionStatus.ACTIVE
    told = {item["name"]: item["sentence"] for item in connection.check_items}
    assert sentence in told["No tokens for users"]


EXPIRED = SecretScenario(value=SECRET, expires=utc_now() - timedelta(days=1))


@pytest.mark.parametrize(
    ("directory", "fields", "sentence"),
    [
        ({}, {"secret": "Wrong~secret-value-of-the-app"}, "does not accept the client secret"),
        ({"apps": (app(secrets=(EXPIRED,)),)}, {}, "client secret has expired"),
        ({}, {"client_id": OTHER}, "no application with this Entra Client ID"),
        ({}, {"directory": OTHER}, "knows no directory with this Entra Tenant ID"),
        ({"apps": (app(disabled=True),)}, {}, "application is disabled"),
        ({"apps": (app(granted_roles=()),)}, {}, "no Microsoft Graph application permission"),
        ({"apps": (app(granted_roles=("User.Read.All",)),)}, {}, "lacks the permission Directory.Read.All"),
        ({"apps": (app(token_answer=53003),)}, {}, "blocks the application itself"),
        ({"cloud": "usgov"}, {}, "another Microsoft cloud"),
        ({"cloud": "china", "other_cloud_answer": 900432}, {}, "another Microsoft cloud"),
    ],
)
def test_each_fault_is_one_plain_sentence(
    start_entra: StartEntra, directory: dict[str, object], fields: dict[str, str], sentence: str
) -> None:
    start_entra(**directory)
    connection = save(make_tenant(), **fields)
    assert connection.status == ConnectionStatus.ERROR
    assert sentence in connection.status_sentence
    assert connection.last_good_check_at is None
    assert SECRET not in str(connection.check_items)


@pytest.mark.parametrize("kind", ["drop", "429", "5xx"])
def test_a_directory_that_does_not_answer(start_entra: StartEntra, kind: str) -> None:
    entra = start_entra()
    entra.faults.add(FaultRule(where="graph", kind=kind, count=20))  # type: ignore[arg-type]
    connection = save(make_tenant())
    assert connection.status == ConnectionStatus.ERROR
    assert "directory" in connection.status_sentence
    entra.faults.clear()
    assert check_connection(connection.tenant, actor=SYSTEM).fault is None


def test_a_short_disturbance_is_waited_out(start_entra: StartEntra) -> None:
    entra = start_entra()
    entra.faults.add(FaultRule(where="graph", kind="429", count=1, retry_after=0))
    entra.faults.add(FaultRule(where="graph", kind="drop", count=1))
    assert save(make_tenant()).status == ConnectionStatus.ACTIVE


def test_an_untrusted_certificate_is_named(start_entra: StartEntra, settings: object, tmp_path: Path) -> None:
    import dataclasses

    import trustme

    start_entra()
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    environment = settings.ENVIRONMENT  # type: ignore[attr-defined]
    cloud = dataclasses.replace(environment.custom_cloud, ca_file=other)
    settings.ENVIRONMENT = dataclasses.replace(environment, custom_cloud=cloud)  # type: ignore[attr-defined]
    assert "The certificate of 127.0.0.1:" in save(make_tenant()).status_sentence


def test_a_secret_is_sealed_replaceable_and_not_sent_elsewhere(start_entra: StartEntra) -> None:
    start_entra()
    tenant = make_tenant()
    connection = save(tenant)
    assert SECRET.encode() not in bytes(connection.keys.get().sealed)

    assert save(tenant, secret="").status == ConnectionStatus.ACTIVE
    with pytest.raises(BadInput) as caught:
        save(tenant, secret="", client_id=OTHER)
    assert caught.value.field == "client_secret"
    connection.refresh_from_db()
    assert str(connection.client_id) == APP
    assert SECRET not in str(list(AuditRow.objects.values_list("facts", "reason")))


def test_a_first_save_needs_a_secret(start_entra: StartEntra) -> None:
    start_entra()
    with pytest.raises(BadInput) as caught:
        save(make_tenant(), secret="")
    assert caught.value.field == "client_secret"
    assert not DirectoryConnection.objects.exists()


def test_an_unknown_cloud_is_refused(start_entra: StartEntra) -> None:
    start_entra()
    with pytest.raises(BadInput) as caught:
        save(make_tenant(), cloud="moon")
    assert caught.value.field == "cloud"


def test_a_good_check_lifts_a_stop_and_switching_off_stays(start_entra: StartEntra) -> None:
    start_entra()
    tenant = make_tenant()
    save(tenant)
    assert set_disabled(tenant, True, actor=SYSTEM, now=NOW).status == ConnectionStatus.DISABLED
    set_disabled(tenant, False, actor=SYSTEM, now=NOW)
    check_connection(tenant, actor=SYSTEM)
    assert DirectoryConnection.objects.get().status == ConnectionStatus.ACTIVE


def test_an_analyst_may_not_configure(start_entra: StartEntra) -> None:
    start_entra()
    tenant = make_tenant()
    form = ConnectionForm(APP, DIRECTORY, "custom", Secret(SECRET))
    with pytest.raises(NotAllowed):
        save_connection(tenant, form, actor=make_actor(tenant, "analyst"), now=NOW)
    save_connection(tenant, form, actor=make_actor(tenant, "admin"), now=NOW)


def test_only_the_custom_cloud_is_asked(start_entra: StartEntra) -> None:
    """Every request of a check arrives at the operator's server: none asks Microsoft's own hosts."""
    entra = start_entra(domains=(DomainScenario(name="contoso.example", default=True),))
    save(make_tenant())
    assert {entry.route.partition(":")[0] for entry in entra.journal.entries()} >= {"token", "discovery"}


def test_an_expired_token_is_replaced(start_entra: StartEntra) -> None:
    from emberwatch.directories.services import shared_directory

    entra = start_entra()
    directory = shared_directory(save(make_tenant()))
    directory.find_account("ann@contoso.example")
    entra.clock.advance(2 * 3600)
    assert directory.find_account("ann@contoso.example").complete
    assert [entry.code for entry in entra.journal.entries()].count("InvalidAuthenticationToken") == 1
