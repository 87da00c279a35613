"""Each role meets exactly the routes that it may use, and nobody meets another tenant's objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.accounts.models import Role
from emberwatch.core.clock import utc_now
from emberwatch.core.secret import Secret
from emberwatch.directories.keys import NewKey, put_beside
from emberwatch.directories.models import ConnectionKey, DirectoryConnection, KeyKind
from emberwatch.exposures.models import Credential
from emberwatch.identities.models import Identity
from emberwatch.ingestion.services import ImportOptions, open_upload, request_import
from emberwatch.remediation.models import PlanState, RemediationPlan, StepState
from emberwatch.simulator import UserScenario
from emberwatch.tenants.models import Tenant
from emberwatch.validation.models import Attempt, Validation
from emberwatch.validation.runs import start_run
from emberwatch.validation.services import request_validation, run_validation
from tests.factories import (
    NOW,
    connect,
    make_alert_rule,
    make_channel,
    make_credential,
    make_delivery,
    make_plan,
    make_tenant,
)
from tests.integration.api.conftest import Caller, caller_for
from tests.integration.conftest import StartEntra
from tests.integration.remediation.world import ALL, app
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = pytest.mark.django_db

CONNECTION = {"client_id": APP, "client_secret": SECRET, "entra_tenant_id": DIRECTORY, "cloud": "custom"}

OTHER_DIRECTORY = "11111111-aaaa-4bbb-8ccc-0000000000ff"

BODIES: Mapping[tuple[str, str], object] = {
    ("PUT", "/directory"): CONNECTION,
    ("POST", "/directories"): {**CONNECTION, "entra_tenant_id": OTHER_DIRECTORY},
    ("PUT", "/directory/choices"): {"pace": 0.5},
    ("POST", "/directory/keys"): {"client_secret": "Zx8Q~a-second-secret"},
    ("PUT", "/directory/sync"): {"group_id": "44444444-aaaa-4bbb-8ccc-000000000004"},
    ("POST", "/directory/protected"): {"kind": "account", "value": "ceo@contoso.example"},
}

# Route -> the status for (viewer, analyst, admin).
ROUTES: Mapping[tuple[str, str], tuple[int, int, int]] = {
    ("GET", ""): (200, 200, 200),
    ("GET", "/directory"): (403, 403, 200),
    ("PUT", "/directory"): (403, 403, 200),
    ("POST", "/directory/check"): (403, 403, 200),
    ("GET", "/directories"): (403, 403, 200),
    ("POST", "/directories"): (403, 403, 201),
    ("DELETE", "/directory"): (403, 403, 204),
    ("POST", "/directory/keys"): (403, 403, 201),
    ("DELETE", "/directory/keys/{key}"): (403, 403, 200),
    ("GET", "/directory/health"): (403, 403, 200),
    ("GET", "/directory/calls"): (403, 403, 200),
    ("GET", "/directory/sync"): (403, 403, 200),
    ("POST", "/directory/sync"): (403, 403, 202),
    ("PUT", "/directory/sync"): (403, 403, 200),
    ("GET", "/directory/choices"): (403, 403, 200),
    ("PUT", "/directory/choices"): (403, 403, 200),
    ("GET", "/directory/protected"): (403, 403, 200),
    ("POST", "/directory/protected"): (403, 403, 201),
    ("GET", "/directory/activity"): (403, 403, 200),
    ("GET", "/directory/soc"): (200, 200, 200),
    ("GET", "/imports"): (200, 200, 200),
    ("POST", "/imports"): (403, 202, 202),
    ("GET", "/imports/{leak_import}"): (200, 200, 200),
    ("GET", "/credentials"): (200, 200, 200),
    ("GET", "/credentials/{credential}"): (200, 200, 200),
    ("GET", "/identities"): (200, 200, 200),
    ("GET", "/identities/{identity}"): (200, 200, 200),
    ("POST", "/credentials/{credential}/validations"): (403, 202, 202),
    ("GET", "/validations/{validation}"): (200, 200, 200),
    ("GET", "/runs"): (200, 200, 200),
    ("POST", "/runs"): (403, 202, 202),
    ("GET", "/runs/{run}"): (200, 200, 200),
    ("POST", "/runs/{run}/pause"): (403, 200, 200),
    ("POST", "/runs/{run}/resume"): (403, 200, 200),
    ("POST", "/runs/{run}/cancel"): (403, 200, 200),
    ("GET", "/attempts"): (403, 200, 200),
    ("GET", "/accounts/{account}/budget"): (403, 200, 200),
    ("GET", "/credentials/{credential}/handling"): (200, 200, 200),
    ("PUT", "/credentials/{credential}/handling"): (403, 200, 200),
    ("GET", "/credentials/{credential}/remediations"): (200, 200, 200),
    ("GET", "/remediations"): (200, 200, 200),
    ("POST", "/remediations"): (403, 200, 200),
    ("GET", "/remediations/{plan}"): (200, 200, 200),
    ("POST", "/remediations/{key}/approve"): (403, 200, 200),
    ("POST", "/remediations/{key}/cancel"): (403, 200, 200),
    ("POST", "/remediations/{key}/undo"): (403, 201, 201),
    ("GET", "/credentials/{credential}/case"): (200, 200, 200),
    ("GET", "/alert-channel-kinds"): (403, 403, 200),
    ("GET", "/alert-channels"): (403, 403, 200),
    ("POST", "/alert-channels"): (403, 403, 201),
    ("GET", "/alert-channels/{key}"): (403, 403, 200),
    ("PUT", "/alert-channels/{key}"): (403, 403, 200),
    ("DELETE", "/alert-channels/{key}"): (403, 403, 204),
    ("POST", "/alert-channels/{key}/test"): (403, 403, 200),
    ("POST", "/alert-channels/{key}/switch"): (403, 403, 200),
    ("GET", "/alert-rules"): (403, 403, 200),
    ("POST", "/alert-rules"): (403, 403, 201),
    ("GET", "/alert-rules/{key}"): (403, 403, 200),
    ("PUT", "/alert-rules/{key}"): (403, 403, 200),
    ("DELETE", "/alert-rules/{key}"): (403, 403, 204),
    ("GET", "/alert-deliveries"): (403, 403, 200),
    ("GET", "/alert-deliveries/{key}"): (403, 403, 200),
    ("POST", "/alert-deliveries/{key}/send-again"): (403, 403, 200),
    ("GET", "/audit"): (403, 403, 200),
    ("GET", "/audit/verification"): (403, 403, 200),
}


def furnished() -> tuple[Tenant, dict[str, str]]:
    """A tenant in which every address answers with something, and the ids for it."""
    tenant = make_tenant()
    connect(tenant, DIRECTORY, APP, SECRET)
    credential = make_credential(tenant, password=RIGHT)
    validation = request_validation(credential, actor=SYSTEM, now=utc_now())
    run_validation(validation.id)
    import_id, spool = open_upload(tenant, actor=SYSTEM)
    spool.finish()
    request_import(tenant, import_id, "leak.txt", 0, ImportOptions(), actor=SYSTEM, now=utc_now())
    run = start_run(tenant, actor=SYSTEM, now=utc_now())
    account = Attempt.objects.get(tenant=tenant).object_id
    ids = {
        "run": run.id,
        "identity": Identity.objects.get(tenant=tenant).pk,
        "plan": make_plan(credential, tenant.directory_connections.get(entra_tenant_id=DIRECTORY)).pk,
        "account": account,
        "credential": credential.id,
        "validation": validation.id,
        "leak_import": import_id,
    }
    return tenant, {name: str(found) for name, found in ids.items()}


def status_of(role: str, at_home: Tenant, target: Tenant, method: str, path: str) -> int:
    caller = caller_for(at_home, role)
    caller.tenant = target
    DirectoryConnection.objects.filter(tenant=target, entra_tenant_id=OTHER_DIRECTORY).delete()
    if (method, path) == ("DELETE", "/directory"):
        _second_directory(target)
        path = f"{path}?directory={OTHER_DIRECTORY}"
    if path.startswith("/directory/keys"):
        path = path.format(key=_second_key(target, is_there=method == "DELETE"))
    if path.startswith("/remediations/{key}"):
        path = path.format(key=_waiting_plan(target, is_done=path.endswith("undo")))
    if path.startswith("/alert-"):
        return int(_asked_of_alerts(caller, target, method, path).status_code)
    if (method, path) == ("POST", "/remediations"):
        return int(caller(method, caller.here(path), _dry_run(target)).status_code)
    if (method, path) == ("POST", "/imports"):
        return int(caller.upload(b"ann@contoso.example:pw\n").status_code)
    body = {"reason": "false alarm"} if path.endswith("/undo") else BODIES.get((method, path))
    if path.endswith("/handling") and method == "PUT":
        body = {"handling": "ignored", "reason": "a test"}
    return int(caller(method, caller.here(path), body).status_code)


def _asked_of_alerts(caller: Caller, target: Tenant, method: str, path: str) -> Any:
    """On objects that are made for this very request."""
    channel = make_channel(target)
    found = {"/alert-channels": channel.pk}
    if not path.startswith("/alert-channels"):
        rule = make_alert_rule(target, channel)
        found |= {"/alert-rules": rule.pk, "/alert-deliveries": make_delivery(rule).pk}
    kind = "/" + path.split("/")[1]
    name = f"Other {uuid4()}"
    hook = {"name": name, "settings": {"url": "https://127.0.0.1/hook"}}
    rule_body = {"name": name, "facts": ["active"], "channels": [str(channel.pk)]}
    body = {
        ("POST", "/alert-channels"): hook | {"kind": "webhook", "secrets": {"secret": "a secret to sign"}},
        ("PUT", "/alert-channels"): hook,
        ("POST", "/alert-rules"): rule_body,
        ("PUT", "/alert-rules"): rule_body,
    }.get((method, kind))
    if path.endswith("/switch"):
        body = {"is_on": True}
    if path.endswith(("/test", "/send-again")):
        body = None
    return caller(method, caller.here(path.format(key=found.get(kind, ""))), body)


def _second_directory(tenant: Tenant) -> None:
    facts = {"cloud": "custom", "client_id": APP, "status": "active", "created_at": NOW, "updated_at": NOW}
    DirectoryConnection.objects.create(tenant=tenant, entra_tenant_id=OTHER_DIRECTORY, **facts)


def _second_key(tenant: Tenant, *, is_there: bool) -> str:
    """Room for a second key, or one that can be removed; the one in use stays."""
    connection = DirectoryConnection.objects.filter(tenant=tenant).first()
    if connection is None:
        return str(tenant.id)
    ConnectionKey.objects.filter(connection=connection).exclude(works=True).delete()
    second = NewKey(KeyKind.SECRET, Secret("Zx8Q~another"))
    return str(put_beside(connection, second, NOW).id) if is_there else ""


def _waiting_plan(tenant: Tenant, *, is_done: bool) -> str:
    """A plan for the account of the tenant's credential, which nobody has moved yet."""
    credential = Credential.objects.filter(tenant=tenant).exclude(identity=None).first()
    if credential is None:
        return str(tenant.id)
    plan = make_plan(credential, tenant.directory_connections.get(entra_tenant_id=DIRECTORY))
    if is_done:
        RemediationPlan.objects.filter(identity=credential.identity).delete()
        RemediationPlan.objects.filter(pk=plan.pk).update(state=PlanState.DONE, identity=credential.identity)
        plan.steps.update(state=StepState.CONFIRMED)
    return str(plan.pk)


def _dry_run(tenant: Tenant) -> object:
    credential = Credential.objects.filter(tenant=tenant).exclude(identity=None).first()
    return {
        "credential_id": str(credential.pk) if credential else str(tenant.id),
        "actions": ["disable_account"],
        "dry_run": True,
    }


@pytest.mark.parametrize("role", list(Role))
def test_a_role_meets_its_routes_and_others_tenants_are_not_there(start_entra: StartEntra, role: str) -> None:
    start_entra(UserScenario(upn="ann@contoso.example", password=RIGHT), apps=(app(*ALL),))
    tenant, ids = furnished()
    stranger = make_tenant()
    column = [Role.VIEWER, Role.ANALYST, Role.ADMIN].index(Role(role))
    for (method, template), expected in ROUTES.items():
        path = template.format(**ids, key="{key}")
        # First: there is something to leak, and to its own people it is shown.
        assert status_of(Role.ADMIN, tenant, tenant, method, path) in (200, 201, 202, 204), (method, template)
        assert status_of(role, tenant, tenant, method, path) == expected[column], (method, template)
        assert status_of(role, stranger, tenant, method, path) == 404, (method, template)


def test_an_object_is_not_reached_through_ones_own_tenant(start_entra: StartEntra) -> None:
    start_entra(UserScenario(upn="ann@contoso.example", password=RIGHT))
    theirs, ids = furnished()
    mine = make_tenant()
    connect(mine, DIRECTORY, APP, SECRET)
    for method, template in ROUTES:
        if "{" not in template or "{key}" in template:
            continue
        path = template.format(**ids)
        assert status_of(Role.ADMIN, theirs, theirs, method, path) in (200, 202)
        before = Validation.objects.count()
        assert status_of(Role.ADMIN, mine, mine, method, path) == 404, (method, template)
        assert Validation.objects.count() == before


def test_a_viewer_is_told_no_feature_of_a_password() -> None:
    tenant = make_tenant()
    credential = make_credential(tenant, password="Zebra-77")
    features = {}
    for role in (Role.VIEWER, Role.ANALYST):
        caller = caller_for(tenant, role)
        listed = caller.get(caller.here("/credentials")).json()["items"][0]
        shown = caller.get(caller.here(f"/credentials/{credential.id}")).json()
        assert [listed[name] for name in ("secret_length", "secret_classes")] == [
            shown[name] for name in ("secret_length", "secret_classes")
        ]
        features[role] = (shown["secret_length"], shown["secret_classes"])
    assert features == {Role.VIEWER: (None, None), Role.ANALYST: (8, "aA1#")}


def test_a_viewer_starts_nothing(start_entra: StartEntra) -> None:
    start_entra(UserScenario(upn="ann@contoso.example", password=RIGHT))
    tenant = make_tenant()
    connect(tenant, DIRECTORY, APP, SECRET)
    credential = make_credential(tenant, password=RIGHT)
    path = f"/credentials/{credential.id}/validations"
    assert status_of(Role.VIEWER, tenant, tenant, "POST", path) == 403
    assert not Validation.objects.exists()
    assert status_of(Role.ANALYST, tenant, tenant, "POST", path) == 202
    assert Validation.objects.count() == 1
    assert not Attempt.objects.exists()
