"""The API keeps the contract of its own OpenAPI document, whatever is sent, in every role."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import HealthCheck, Phase
from hypothesis import settings as searching
from pytest_django import Settings

from emberwatch.accounts.actor import SYSTEM
from emberwatch.accounts.models import Role
from emberwatch.core.clock import utc_now
from emberwatch.ingestion.services import ImportOptions, open_upload, request_import
from emberwatch.simulator import UserScenario
from emberwatch.tenants.models import Tenant
from emberwatch.validation.services import request_validation, run_validation
from tests.factories import connect, make_credential, make_tenant
from tests.integration.api.conftest import Caller, caller_for
from tests.integration.conftest import StartEntra
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(start_entra: StartEntra, settings: Settings) -> Mapping[str, str]:
    """Ids under which each address answers with something."""
    start_entra(UserScenario(upn="ann@contoso.example", password=RIGHT))
    # A made-up connection of another cloud must not leave this machine.
    settings.ENVIRONMENT = dataclasses.replace(settings.ENVIRONMENT, proxy_url="http://127.0.0.1:9")
    tenant = make_tenant()
    connect(tenant, DIRECTORY, APP, SECRET)
    credential = make_credential(tenant, password=RIGHT)
    validation = request_validation(credential, actor=SYSTEM, now=utc_now())
    run_validation(validation.id)
    import_id, spool = open_upload(tenant, actor=SYSTEM)
    spool.finish()
    request_import(tenant, import_id, "leak.txt", 0, ImportOptions(), actor=SYSTEM, now=utc_now())
    return {
        "tenant_id": str(tenant.id),
        "credential_id": str(credential.id),
        "validation_id": str(validation.id),
        "import_id": str(import_id),
    }


# Autouse, since the test's own fixtures are asked for too late to be parametrised.
@pytest.fixture(params=list(Role), autouse=True)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def caller(role: str, world: Mapping[str, str]) -> Caller:
    return caller_for(Tenant.objects.get(pk=world["tenant_id"]), role)


@pytest.fixture
def api_schema(_only_the_api: None) -> Any:
    config = schemathesis.Config.from_dict(
        # A rule such as "the two ids differ" cannot be told in a schema; its refusal is a documented 422.
        {
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "422"]}
            }
        }
    )
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", WSGIHandler(), config=config)


schema = schemathesis.pytest.from_fixture("api_schema")


@schema.parametrize()
@searching(
    max_examples=25,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_a_documented_one(case: Any, caller: Caller, world: Mapping[str, str]) -> None:
    if case.meta and case.meta.generation.mode.is_positive:
        case.path_parameters = {name: world[name] for name in case.path_parameters or {}}
    case.call_and_validate(headers={"Authorization": f"Bearer {caller.token}"})
