"""The API keeps the contract of its own OpenAPI document, whatever is sent, in every role."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given
from hypothesis import settings as searching
from pytest_django import Settings
from schemathesis import GenerationMode

from emberwatch.accounts.actor import SYSTEM
from emberwatch.accounts.models import Role
from emberwatch.api.app import api
from emberwatch.core.clock import utc_now
from emberwatch.core.secret import Secret
from emberwatch.directories.keys import NewKey, put_beside
from emberwatch.directories.models import KeyKind
from emberwatch.exposures.models import Machine
from emberwatch.identities.models import Identity
from emberwatch.ingestion.chunks import begin_upload
from emberwatch.ingestion.services import ImportOptions, open_upload, request_import
from emberwatch.simulator import UserScenario
from emberwatch.tenants.models import Tenant
from emberwatch.validation.models import Attempt
from emberwatch.validation.operating import protect
from emberwatch.validation.runs import start_run
from emberwatch.validation.services import request_validation, run_validation
from tests.factories import (
    connect,
    make_alert_rule,
    make_channel,
    make_credential,
    make_delivery,
    make_plan,
    make_tenant,
)
from tests.integration.api.conftest import caller_for
from tests.integration.conftest import StartEntra
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = pytest.mark.django_db

EXAMPLES = 25
OPERATIONS = [
    (path, method)
    for path, methods in api.get_openapi_schema(path_prefix="/api/v1/")["paths"].items()
    for method in methods
]


@pytest.fixture
def world(start_entra: StartEntra, settings: Settings) -> Mapping[str, str]:
    """Ids under which each address answers with something."""
    start_entra(UserScenario(upn="ann@contoso.example", password=RIGHT))
    # A made-up connection of another cloud must not leave this machine.
    settings.ENVIRONMENT = dataclasses.replace(settings.ENVIRONMENT, proxy_url="http://127.0.0.1:9")
    tenant = make_tenant()
    connection = connect(tenant, DIRECTORY, APP, SECRET)
    key = put_beside(connection, NewKey(KeyKind.SECRET, Secret("Zx8Q~another")), utc_now())
    credential = make_credential(tenant, password=RIGHT)
    validation = request_validation(credential, actor=SYSTEM, now=utc_now())
    run_validation(validation.id)
    import_id, spool = open_upload(tenant, actor=SYSTEM)
    spool.finish()
    request_import(tenant, import_id, "leak.txt", 0, ImportOptions(), actor=SYSTEM, now=utc_now())
    upload = begin_upload(tenant, "leak.txt", 10, "mark", actor=SYSTEM, now=utc_now())
    channel = make_channel(tenant)
    rule = make_alert_rule(tenant, channel)
    machine = Machine.objects.create(tenant=tenant, key="a machine")
    return {
        "channel_id": str(channel.pk),
        "rule_id": str(rule.pk),
        "delivery_id": str(make_delivery(rule).pk),
        "key_id": str(key.pk),
        "upload_id": str(upload.id),
        "machine_id": str(machine.id),
        "identity_id": str(Identity.objects.get(tenant=tenant).pk),
        "tenant_id": str(tenant.id),
        "credential_id": str(credential.id),
        "validation_id": str(validation.id),
        "run_id": str(start_run(tenant, actor=SYSTEM, now=utc_now()).id),
        "object_id": str(Attempt.objects.get().object_id),
        "import_id": str(import_id),
        "plan_id": str(make_plan(credential, connection).pk),
        "entry_id": str(protect(tenant, "account", "ceo@contoso.example", actor=SYSTEM, now=utc_now()).id),
    }


@pytest.fixture
def one_connection() -> Iterator[None]:
    """The test's transaction spans many requests, so the end of one must not close its connection."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def contract(one_connection: None) -> Any:
    # A rule such as "the two ids differ" cannot be told in a schema; its refusal is a documented 422.
    accepted = ["2xx", "401", "403", "404", "409", "422"]
    config = schemathesis.Config.from_dict(
        {"checks": {"positive_data_acceptance": {"expected-statuses": accepted}}}
    )
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", WSGIHandler(), config=config)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_a_documented_one(
    contract: Any, world: Mapping[str, str], path: str, method: str
) -> None:
    operation = contract[path][method]
    tenant = Tenant.objects.get(pk=world["tenant_id"])
    for role in Role:
        token = caller_for(tenant, role).token
        for mode in GenerationMode:
            _search(operation, mode, world, {"Authorization": f"Bearer {token}"})


def _search(operation: Any, mode: GenerationMode, world: Mapping[str, str], headers: dict[str, str]) -> None:
    @searching(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case: Any) -> None:
        if mode.is_positive:
            case.path_parameters = {name: world[name] for name in case.path_parameters or {}}
        case.call_and_validate(headers=headers)

    holds()
