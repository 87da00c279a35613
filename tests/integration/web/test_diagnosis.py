"""Every row of the diagnosis tables: from what the directory answers to the sentence and the remedy on the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any, Final

import pytest
import stamina
from django.urls import reverse
from pytest_django import Settings

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.clock import utc_now
from emberwatch.core.secret import Secret
from emberwatch.directories.entra.faults import (
    GRAPH_FAULTS,
    MISSING_PERMISSION,
    NO_PERMISSIONS,
    NOT_PREMIUM,
    TOKEN_FAULTS,
    Fault,
)
from emberwatch.directories.keys import KeyForm, file_in_base64
from emberwatch.directories.services import ConnectionForm, check_connection, save_connection
from emberwatch.simulator import CertificateScenario, FaultRule, SecretScenario
from emberwatch.tenants.models import Tenant
from tests.factories import NOW, connect
from tests.integration.conftest import StartEntra
from tests.integration.directories.test_connection import EXPIRED, OTHER, app
from tests.integration.web.conftest import Visit, page
from tests.unit.directories.desk import Desk, collection, refusal
from tests.unit.directories.keys import make_keys, rsa_key
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db

REGISTERED, ANOTHER = make_keys(now=utc_now()), make_keys(key=rsa_key(2048, 1), now=utc_now())
ALL_OPTIONAL: Final = ("Directory.Read.All", "AuditLog.Read.All", "IdentityRiskEvent.Read.All")


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@dataclass(frozen=True)
class Cause:
    """What is wrong at the directory, or with what was typed."""

    code: int
    directory: dict[str, Any] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    certificate: bytes = b""


def scripted(code: int) -> Cause:
    return Cause(code, {"apps": (app(token_answer=code),)})


NOBODY: Final = "00000000-0000-0000-0000-000000000000"
# Where the simulated directory can be given the very cause, it is; else the code alone is scripted.
REAL: Final = (
    Cause(7000215, typed={"secret": "Wrong~secret-value-of-the-app"}),
    Cause(7000222, {"apps": (app(secrets=(EXPIRED,)),)}),
    Cause(700016, typed={"client_id": OTHER}),
    Cause(700038, typed={"client_id": NOBODY}),
    Cause(90002, typed={"directory": OTHER}),
    Cause(90038, {"cloud": "usgov"}),
    Cause(900432, {"cloud": "china", "other_cloud_answer": 900432}),
    Cause(900382, {"cloud": "china", "other_cloud_answer": 900382}),
    Cause(7000112, {"apps": (app(disabled=True),)}),
    Cause(700025, {"apps": (app(public_client=True),)}),
    Cause(
        700027,
        {"apps": (app(certificates=(CertificateScenario(pem=REGISTERED.public_pem),)),)},
        certificate=ANOTHER.pfx(),
    ),
    Cause(
        700030,
        {"apps": (app(certificates=(CertificateScenario(pem=REGISTERED.public_pem, answer=700030),)),)},
        certificate=REGISTERED.pfx(),
    ),
)
CAUSES: Final = (
    *REAL,
    *(scripted(code) for code in TOKEN_FAULTS if code not in {cause.code for cause in REAL}),
)


def save(tenant: Tenant, cause: Cause) -> None:
    values = {"client_id": APP, "secret": SECRET, "directory": DIRECTORY} | cause.typed
    other = KeyForm(certificate=file_in_base64(cause.certificate))
    secret = Secret("" if cause.certificate else values["secret"])
    form = ConnectionForm(values["client_id"], values["directory"], "custom", secret, other)
    save_connection(tenant, form, actor=SYSTEM, now=utc_now())


def shown(visit: Visit, tenant: Tenant) -> str:
    """What stands on the directory's page, its Connection card alone."""
    html = unescape(page(visit("admin"), reverse("directory", args=[tenant.id])))
    return html.split("Connection</h2>")[1].split('id="capabilities"')[0]


def assert_told(html: str, fault: Fault, code: str) -> None:
    assert html.count(fault.sentence) == 1
    assert fault.remedy in html
    assert f"Code {code}" in html


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: str(cause.code))
def test_each_answer_about_the_application(
    start_entra: StartEntra, visit: Visit, tenant: Tenant, cause: Cause
) -> None:
    entra = start_entra(**cause.directory)
    save(tenant, cause)
    html = shown(visit, tenant)
    assert_told(html, TOKEN_FAULTS[cause.code], f"AADSTS{cause.code}")
    assert "Error" in html
    asked = [entry.code for entry in entra.journal.entries() if entry.code]
    assert str(cause.code) in asked, "the simulated directory itself said so"


def test_a_good_connection_shows_none_of_these(start_entra: StartEntra, visit: Visit, tenant: Tenant) -> None:
    start_entra()
    save(tenant, Cause(0))
    html = shown(visit, tenant)
    assert "Active" in html
    faults = {*TOKEN_FAULTS.values(), *GRAPH_FAULTS.values(), NO_PERMISSIONS}
    assert [fault.sentence for fault in faults if fault.sentence in html] == []


def test_the_secrets_id_is_recognised_before_anything_is_sent(
    start_entra: StartEntra, visit: Visit, tenant: Tenant
) -> None:
    entra = start_entra()
    form = {"client_id": APP, "client_secret": OTHER, "entra_tenant_id": DIRECTORY, "cloud": "custom"}
    reply = visit("admin").post(reverse("directory", args=[tenant.id]), form)
    assert reply.status_code == 400
    assert "This looks like the secret's ID; paste the Value." in unescape(reply.content.decode())
    assert entra.journal.entries() == []


@pytest.mark.parametrize(("roles", "fault"), [((), NO_PERMISSIONS), (("User.Read.All",), MISSING_PERMISSION)])
def test_a_token_without_the_permissions(
    start_entra: StartEntra, visit: Visit, tenant: Tenant, roles: tuple[str, ...], fault: Fault
) -> None:
    start_entra(apps=(app(granted_roles=roles),))
    save(tenant, Cause(0))
    html = shown(visit, tenant)
    assert fault.sentence in html
    assert fault.remedy in html


@pytest.mark.parametrize("refusal_code", ["Forbidden", "AccessDenied", "AadPremiumLicenseRequired"])
def test_each_way_to_say_that_a_licence_is_missing(
    start_entra: StartEntra, visit: Visit, tenant: Tenant, refusal_code: str
) -> None:
    start_entra(apps=(app(granted_roles=ALL_OPTIONAL),), premium_refusal=refusal_code)
    save(tenant, Cause(0))
    html = shown(visit, tenant)
    # Once for each optional ability that was granted; the connection works all the same.
    assert html.count(NOT_PREMIUM.sentence) == 4
    assert html.count(NOT_PREMIUM.remedy) == 4
    assert f"Code {refusal_code}" in html
    assert "Code Authentication_RequestFromNonPremiumTenantOrB2CTenant" in html
    assert "Active" in html
    whole = unescape(page(visit("admin"), reverse("directory", args=[tenant.id])))
    assert whole.split('id="capabilities"')[1].count("No licence") == 4


def test_with_the_licence_nothing_is_missing(start_entra: StartEntra, visit: Visit, tenant: Tenant) -> None:
    start_entra(apps=(app(granted_roles=ALL_OPTIONAL),), premium=True)
    save(tenant, Cause(0))
    assert NOT_PREMIUM.sentence not in shown(visit, tenant)


@pytest.mark.parametrize("code", GRAPH_FAULTS)
def test_each_refusal_of_graph(start_entra: StartEntra, visit: Visit, tenant: Tenant, code: str) -> None:
    start_entra()
    connect(tenant, DIRECTORY, APP, SECRET)
    status = {"InvalidAuthenticationToken": 401, "TooManyRequests": 429}.get(code, 403)
    desk = Desk(lambda asked: refusal(status, code))
    check_connection(tenant, actor=SYSTEM, directory_for=lambda _: desk.directory())
    html = shown(visit, tenant)
    assert GRAPH_FAULTS[code].sentence in html
    assert GRAPH_FAULTS[code].remedy in html
    assert f"Code {code if status != 429 else 429}" in html
    good = Desk(lambda asked: collection())
    check_connection(tenant, actor=SYSTEM, directory_for=lambda _: good.directory())
    assert GRAPH_FAULTS[code].sentence not in shown(visit, tenant)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (FaultRule(where="graph", kind="5xx", count=20), "The directory's own service fails at the moment."),
        (FaultRule(where="graph", kind="429", count=20), "The directory throttles us at the moment."),
        (FaultRule(where="graph", kind="drop", count=20), "The directory did not answer."),
        (FaultRule(where="token", kind="5xx", count=20), "The directory's own service fails at the moment."),
        (FaultRule(where="login", kind="drop", count=20), "takes the connection, but does not answer."),
    ],
)
def test_each_disturbance(
    start_entra: StartEntra, visit: Visit, tenant: Tenant, rule: FaultRule, sentence: str
) -> None:
    entra = start_entra()
    entra.faults.add(rule)
    save(tenant, Cause(0))
    assert sentence in shown(visit, tenant)
    entra.faults.clear()
    check_connection(tenant, actor=SYSTEM)
    assert sentence not in shown(visit, tenant)


@pytest.mark.parametrize(
    ("host", "what"),
    [("login_url", "Way to the sign-in service"), ("graph_url", "Way to Microsoft Graph")],
)
def test_a_host_that_is_not_there(
    start_entra: StartEntra, visit: Visit, tenant: Tenant, settings: Settings, host: str, what: str
) -> None:
    start_entra()
    environment = settings.ENVIRONMENT
    cloud = replace(environment.custom_cloud, **{host: "https://nobody.invalid"})
    settings.ENVIRONMENT = replace(environment, custom_cloud=cloud)
    save(tenant, Cause(0))
    html = shown(visit, tenant)
    assert what in html
    assert html.count("The name nobody.invalid does not resolve.") == 1


def test_an_expired_secret_beside_a_good_one_is_a_warning(
    start_entra: StartEntra, visit: Visit, tenant: Tenant
) -> None:
    start_entra(
        apps=(app(secrets=(SecretScenario(value=SECRET), SecretScenario(value="Zx8Q~old", expires=NOW))),)
    )
    save(tenant, Cause(0))
    client = visit("admin")
    client.post(reverse("add_key", args=[tenant.id]), {"client_secret": "Zx8Q~old"})
    html = shown(visit, tenant)
    assert "The client secret has expired." in html
    assert "Active" in html
