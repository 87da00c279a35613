"""Every page for every role: who gets in, who does not, and that a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from emberwatch.accounts.actor import SYSTEM, actor_for_user
from emberwatch.accounts.models import User
from emberwatch.accounts.services import create_api_token
from emberwatch.alerts.models import AlertChannel, AlertRule
from emberwatch.audit.models import AuditRow
from emberwatch.core.clock import utc_now
from emberwatch.core.secret import Secret
from emberwatch.directories.keys import NewKey, put_beside
from emberwatch.directories.models import ConnectionKey, DirectoryConnection, KeyKind
from emberwatch.exposures.closing import ClosingForm, close
from emberwatch.exposures.models import Credential, Machine
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.ingestion.services import spool_place
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.queries import members_of
from emberwatch.validation.models import KillSwitch, Run, RunState
from emberwatch.validation.operating import protect
from emberwatch.validation.options import Choices, as_typed
from emberwatch.validation.services import request_validation
from emberwatch.vault.services import tenant_vault
from emberwatch.vault.spool import SpoolWriter
from emberwatch.web.urls import open_to_all, pages
from tests.factories import (
    NOW,
    connect,
    make_alert_rule,
    make_channel,
    make_credential,
    make_delivery,
    make_plan,
    make_run,
    make_tenant,
    make_user,
)
from tests.integration.conftest import StartEntra
from tests.integration.web.conftest import HTMX, client_of
from tests.integration.web.test_identities import make_identity
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db

MEMBERS: Final = ("viewer", "analyst", "admin")
ANALYSTS: Final = ("analyst", "admin")
ADMINS: Final = ("admin",)
EVERYBODY: Final = ("stranger", *MEMBERS)


@dataclass
class World:
    """Objects for every address; each is made anew for every request, so that their order means nothing."""

    tenant: Tenant
    user: User
    ids: dict[str, Any] = field(default_factory=dict)


def _world(tenant: Tenant, user: User) -> World:
    KillSwitch.objects.all().delete()
    DirectoryConnection.objects.filter(tenant=tenant).exclude(entra_tenant_id=DIRECTORY).delete()
    credential = make_credential(tenant, password=f"pw-{uuid4()}")
    member = make_user(tenant, "viewer")
    validation = request_validation(make_credential(tenant, password="v"), actor=SYSTEM, now=utc_now())
    done = Import.objects.create(tenant=tenant, file_name="x.txt", requested_by="t", requested_at=NOW)
    token, _ = create_api_token(user, _any_tenant(user), "t", actor=actor_for_user(user), now=NOW)
    entry = protect(tenant, "account", f"{uuid4()}@contoso.example", actor=SYSTEM, now=NOW)
    machine = Machine.objects.create(tenant=tenant, key=str(uuid4()))
    connection = DirectoryConnection.objects.filter(tenant=tenant).first()
    AlertRule.objects.all().delete()
    AlertChannel.objects.all().delete()
    rule = make_alert_rule(tenant)
    ids = {
        "rule_id": rule.pk,
        "delivery_id": make_delivery(rule).pk,
        "channel_id": make_channel(tenant).pk,
        "key_id": _second_key(connection) if connection else tenant.id,
        "plan_id": make_plan(credential, connection).pk if connection else tenant.id,
        "run_id": make_run(tenant, requested_at=utc_now()).id,
        "machine_id": machine.id,
        "identity_id": make_identity(tenant).pk,
        "entry_id": entry.id,
        "tenant_id": tenant.id,
        "credential_id": credential.id,
        "validation_id": validation.id,
        "import_id": done.id,
        "member_id": next(m.id for m in members_of(tenant) if m.user == member),
        "token_id": token.id,
        "directory_id": DIRECTORY,
        "other_id": OTHER_DIRECTORY,
    }
    return World(tenant, user, ids)


def _second_key(connection: DirectoryConnection) -> UUID:
    ConnectionKey.objects.filter(connection=connection).exclude(works=True).delete()
    return put_beside(connection, NewKey(KeyKind.SECRET, Secret(f"Zx8Q~{uuid4()}")), NOW).id


def _room_for_a_key(world: World) -> dict[str, Any]:
    ConnectionKey.objects.filter(pk=world.ids["key_id"]).delete()
    return {"client_secret": f"Zx8Q~{uuid4()}"}


def _any_tenant(user: User) -> Tenant:
    return user.memberships.select_related("tenant")[0].tenant


@dataclass(frozen=True)
class Row:
    """One address: who may, what a success answers, and what is sent when it is a form."""

    name: str
    args: tuple[str, ...]
    allowed: tuple[str, ...]
    status: int = 200
    body: Callable[[World], dict[str, Any]] | None = None
    htmx: bool = False
    query: str = ""


def _stopped() -> dict[str, Any]:
    KillSwitch.objects.create(stopped_at=NOW, stopped_by="t", reason="an alert")
    return {}


def _paused(world: World) -> dict[str, Any]:
    Run.objects.filter(pk=world.ids["run_id"]).update(state=RunState.PAUSED)
    return {}


def _ended(world: World, state: ImportState) -> dict[str, Any]:
    # It lies elsewhere: an upload that failed could be tried again only as long as its file is there.
    Import.objects.filter(pk=world.ids["import_id"]).update(state=state, location="/leaks/leak.txt")
    return {}


def _table(world: World) -> dict[str, Any]:
    """An upload that waits for its columns."""
    import_id = world.ids["import_id"]
    spool_place(import_id).unlink(missing_ok=True)
    writer = SpoolWriter(spool_place(import_id), tenant_vault(world.tenant.id), import_id)
    writer.write(b"email,password\nann@contoso.example,pw\n")
    writer.finish()
    Import.objects.filter(pk=import_id).update(state=ImportState.REVIEW, file_name="a.csv")
    return {"role": ["login", "password"]}


HOOK: Final = {"url": "https://127.0.0.1/hook"}


def _rule_form(world: World) -> dict[str, Any]:
    return {
        "name": f"R {uuid4()}",
        "facts": ["active"],
        "channels": [str(world.ids["channel_id"])],
        "minimum_severity": "high",
        "cadence": "daily",
        "digest_hour": "8",
        "time_zone": "UTC",
        "is_on": "yes",
    }


OTHER_DIRECTORY: Final = UUID("11111111-aaaa-4bbb-8ccc-0000000000ff")


def _other(world: World) -> dict[str, Any]:
    """A second directory."""
    facts = {"cloud": "custom", "client_id": APP, "status": "active", "created_at": NOW, "updated_at": NOW}
    DirectoryConnection.objects.create(tenant=world.tenant, entra_tenant_id=OTHER_DIRECTORY, **facts)
    return {}


def _closed(world: World) -> dict[str, Any]:
    credential = Credential.objects.filter(pk=world.ids["credential_id"], tenant=world.tenant).first()
    if credential is not None:
        form = ClosingForm("ignored", "a test")
        close(credential, form, actor=SYSTEM, now=utc_now())
    return {"reason": "another test"}


T = ("tenant_id",)
CHANNEL = ("tenant_id", "channel_id")
RUN = ("tenant_id", "run_id")
PLAN = ("tenant_id", "plan_id")
C = ("tenant_id", "credential_id")
DIRECTORY_FORM: Final = {
    "client_id": APP,
    "client_secret": SECRET,
    "entra_tenant_id": DIRECTORY,
    "cloud": "custom",
}
# Each with the directory in its address, and without it where the tenant has no other.
OF_DIRECTORY: Final = (
    Row("directory", T, ADMINS),
    Row("directory", T, ADMINS, 302, body=lambda _: DIRECTORY_FORM),
    Row("check_directory", T, ADMINS, 302, body=lambda _: {}),
    Row("directory_health", T, ADMINS),
    Row("add_key", T, ADMINS, 302, body=lambda w: _room_for_a_key(w)),
    Row("remove_key", ("tenant_id", "key_id"), ADMINS, 302, body=lambda _: {}),
    Row("directory_sync", T, ADMINS),
    Row("start_directory_sync", T, ADMINS, 302, body=lambda _: {}),
    Row("directory_scope", T, ADMINS, 302, body=lambda _: {"group_id": str(uuid4())}),
    Row("switch_directory", T, ADMINS, 302, body=lambda _: {"disabled": "no"}),
    Row("choices", T, ADMINS),
    Row(
        "choices",
        T,
        ADMINS,
        302,
        body=lambda _: as_typed(Choices()) | {"pace": f"0.{uuid4().int % 900 + 100}"},
    ),
    Row("protect", T, ADMINS, 302, body=lambda _: {"kind": "account", "value": str(uuid4())}),
    Row("unprotect", ("tenant_id", "entry_id"), ADMINS, 302, body=lambda _: {}),
    Row("soc", T, MEMBERS),
)
ROWS: Final = (
    Row("home", (), EVERYBODY, 302),
    Row("configure", (), EVERYBODY, 302),
    Row("feeds", (), EVERYBODY, 302),
    Row("tenants", (), EVERYBODY),
    Row("tokens", (), EVERYBODY),
    Row("tokens", (), MEMBERS, body=lambda w: {"name": "n", "tenant": str(w.tenant.id)}),
    Row("revoke_token", ("token_id",), EVERYBODY, 302, body=lambda _: {}),
    Row("new_tenant", (), ()),
    Row("new_tenant", (), (), 302, body=lambda _: {"name": f"N {uuid4()}", "domains": "n.example"}),
    Row("feed", T, MEMBERS),
    Row("credential", C, MEMBERS),
    Row("reveal", C, ANALYSTS, body=lambda _: {"reason": "ticket 7"}),
    Row("validate", C, ANALYSTS, 302, body=lambda _: {}),
    Row("validation", ("tenant_id", "validation_id"), MEMBERS, htmx=True),
    Row("remediate", C, ANALYSTS, 400, body=lambda _: {"reason": "it leaked"}),
    Row(
        "close_credential",
        C,
        ANALYSTS,
        302,
        body=lambda _: {"handling": "ignored", "scope": "pair", "reason": "a test"},
    ),
    Row("reopen_credential", C, ANALYSTS, 302, body=lambda w: _closed(w)),
    Row("remediations", T, MEMBERS),
    Row("remediation", PLAN, MEMBERS),
    Row("approve_remediation", PLAN, ANALYSTS, 302, body=lambda _: {}),
    Row("cancel_remediation", PLAN, ANALYSTS, 302, body=lambda _: {}),
    Row("undo_remediation", PLAN, ANALYSTS, 400, body=lambda _: {"reason": "false alarm"}),
    Row("case", C, MEMBERS),
    Row("case_export", C, MEMBERS),
    Row("runs", T, MEMBERS),
    Row("start_run", T, ANALYSTS, 302, body=lambda _: {}),
    Row("run", RUN, MEMBERS),
    Row("pause_run", RUN, ANALYSTS, 302, body=lambda _: {}),
    Row("resume_run", RUN, ANALYSTS, 302, body=lambda w: _paused(w)),
    Row("cancel_run", RUN, ANALYSTS, 302, body=lambda _: {}),
    Row("attempts", T, ANALYSTS),
    Row("export_attempts", T, ANALYSTS),
    Row("machine", ("tenant_id", "machine_id"), MEMBERS),
    Row("identities", T, MEMBERS),
    Row("identity", ("tenant_id", "identity_id"), MEMBERS),
    Row("cookies", T, MEMBERS),
    Row(
        "begin_upload", T, ANALYSTS, body=lambda _: {"file_name": "a.txt", "size": "3", "mark": str(uuid4())}
    ),
    Row(
        "import_columns",
        ("tenant_id", "import_id"),
        ANALYSTS,
        302,
        body=lambda w: _table(w),
    ),
    Row("undo_import", ("tenant_id", "import_id"), ANALYSTS, 302, body=lambda w: _ended(w, ImportState.DONE)),
    Row(
        "retry_import",
        ("tenant_id", "import_id"),
        ANALYSTS,
        302,
        body=lambda w: _ended(w, ImportState.FAILED),
    ),
    Row("imports", T, MEMBERS),
    Row("import", ("tenant_id", "import_id"), MEMBERS),
    Row("new_import", T, ANALYSTS),
    Row(
        "new_import",
        T,
        ANALYSTS,
        302,
        body=lambda _: {"file": SimpleUploadedFile("a.txt", b"a@contoso.example:pw\n"), "end": "1"},
    ),
    Row("alerts", T, ADMINS),
    Row("new_alert_channel", T, ADMINS),
    Row(
        "new_alert_channel",
        T,
        ADMINS,
        302,
        body=lambda _: HOOK | {"name": f"C {uuid4()}", "secret": "a secret to sign with"},
        query="?kind=webhook",
    ),
    Row("alert_channel", CHANNEL, ADMINS),
    Row("alert_channel", CHANNEL, ADMINS, 302, body=lambda _: HOOK | {"name": f"C {uuid4()}"}),
    Row("test_alert_channel", CHANNEL, ADMINS, 302, body=lambda _: {}),
    Row("switch_alert_channel", CHANNEL, ADMINS, 302, body=lambda _: {"to": "off"}),
    Row("remove_alert_channel", CHANNEL, ADMINS, 302, body=lambda _: {}),
    Row("new_alert_rule", T, ADMINS),
    Row("new_alert_rule", T, ADMINS, 302, body=lambda w: _rule_form(w)),
    Row("alert_rule", ("tenant_id", "rule_id"), ADMINS),
    Row("alert_rule", ("tenant_id", "rule_id"), ADMINS, 302, body=lambda w: _rule_form(w)),
    Row("remove_alert_rule", ("tenant_id", "rule_id"), ADMINS, 302, body=lambda _: {}),
    Row("alert_deliveries", T, ADMINS),
    Row("send_alert_again", ("tenant_id", "delivery_id"), ADMINS, 302, body=lambda _: {}),
    Row("audit", T, ADMINS),
    Row("verify_audit", T, ADMINS, body=lambda _: {}),
    Row("tenant", T, MEMBERS),
    Row("tenant_watchlist", T, ADMINS, 302, body=lambda _: {"addresses": "", "login_hosts": ""}),
    Row("tenant_domains", T, ADMINS, 302, body=lambda _: {"domains": "contoso.example"}),
    Row("invite", T, ADMINS, body=lambda _: {"email": "new@contoso.example", "role": "viewer"}),
    Row("member_role", ("tenant_id", "member_id"), ADMINS, 302, body=lambda _: {"role": "analyst"}),
    Row("remove_member", ("tenant_id", "member_id"), ADMINS, 302, body=lambda _: {}),
    *OF_DIRECTORY,
    *(replace(row, args=("tenant_id", "directory_id", *row.args[1:])) for row in OF_DIRECTORY),
    Row("add_directory", T, ADMINS),
    Row("add_directory", T, ADMINS, 302, body=lambda _: DIRECTORY_FORM | {"entra_tenant_id": str(uuid4())}),
    Row("remove_directory", ("tenant_id", "other_id"), ADMINS, 302, body=lambda w: _other(w)),
    Row("kill_switch", (), ()),
    Row("stop_everything", (), (), 302, body=lambda _: {"reason": "an alert"}),
    Row("lift_kill_switch", (), (), 302, body=lambda _: _stopped()),
)
# Steps of an upload that somebody began: tests/integration/ingestion asks for their rights.
ASKED_ELSEWHERE: Final = {"upload", "finish_upload"}
# Only the organisation admin makes tenants and stops everything; everything else a member of the right role may do.
ORGANISATION_ONLY: Final = ("new_tenant", "kill_switch", "stop_everything", "lift_kill_switch")


def _send(client: Client, row: Row, world: World) -> Any:
    address = reverse(row.name, args=[world.ids[name] for name in row.args]) + row.query
    headers = HTMX if row.htmx else None
    if row.body is None:
        return client.get(address, headers=headers)
    return client.post(address, row.body(world), headers=headers)


def _refusal(row: Row, role: str) -> int:
    if row.name == "tokens":
        return 400
    return 404 if role == "stranger" and row.name not in ORGANISATION_ONLY else 403


@pytest.mark.parametrize("role", EVERYBODY)
def test_each_page_for_each_role(start_entra: StartEntra, tenant: Tenant, role: str) -> None:
    start_entra()
    connect(tenant, DIRECTORY, APP, SECRET)
    user = make_user(make_tenant(), "admin") if role == "stranger" else make_user(tenant, role)
    client = client_of(user)
    for row in ROWS:
        world = _world(tenant, user)
        before = AuditRow.objects.count()
        reply = _send(client, row, world)
        wanted = row.status if role in row.allowed else _refusal(row, role)
        assert reply.status_code == wanted, (row.name, role, reply.content[-600:])
        if role not in row.allowed and row.name != "reopen_credential":
            assert AuditRow.objects.count() == before, row.name


def test_an_organisation_admin_may_everything(start_entra: StartEntra, tenant: Tenant) -> None:
    start_entra()
    connect(tenant, DIRECTORY, APP, SECRET)
    user = make_user(tenant, "viewer")
    user.is_organisation_admin = True
    user.save()
    client = client_of(user)
    for row in ROWS:
        reply = _send(client, row, _world(tenant, user))
        assert reply.status_code == row.status, (row.name, reply.content[-600:])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_nobody_gets_in_without_a_sign_in(row: Row, tenant: Tenant) -> None:
    world = World(tenant, make_user(tenant, "admin"), dict.fromkeys(T + C, tenant.id))
    world.ids |= dict.fromkeys(
        (
            *("validation_id", "import_id", "member_id", "token_id", "entry_id", "run_id", "machine_id"),
            *("key_id", "identity_id", "directory_id", "other_id", "plan_id"),
            *("channel_id", "rule_id", "delivery_id"),
        ),
        tenant.id,
    )
    reply = _send(Client(), row, world)
    if row.htmx:
        assert (reply.status_code, reply.headers["HX-Redirect"]) == (401, reverse("account_login"))
    else:
        assert reply.status_code == 302
        assert reply.headers["Location"].startswith(reverse("account_login"))


def test_the_table_names_every_page() -> None:
    assert {page.name for page in pages} == {row.name for row in ROWS} | ASKED_ELSEWHERE
    assert {page.name for page in open_to_all} == {
        "healthz",
        "readyz",
        "account_login",
        "account_inactive",
        "account_logout",
        "invitation",
    }


@pytest.mark.parametrize("name", ["healthz", "readyz"])
def test_health_is_open_and_plain(name: str) -> None:
    reply = Client().get(reverse(name))
    assert (reply.status_code, reply.content, reply.headers["Content-Type"]) == (200, b"ok\n", "text/plain")


def test_somebody_elses_object_looks_like_a_missing_one(tenant: Tenant) -> None:
    client, other = client_of(make_user(tenant, "admin")), make_tenant()
    theirs = Import.objects.create(tenant=other, file_name="x", requested_by="t", requested_at=NOW)
    member = make_user(other, "viewer").memberships.get()
    credential = make_credential(other)
    mine = make_credential(tenant)
    assert client.get(reverse("credential", args=[tenant.id, mine.id])).status_code == 200

    for name, theirs_id in (("credential", credential.id), ("import", theirs.id)):
        for tenant_id in (tenant.id, other.id):
            foreign = client.get(reverse(name, args=[tenant_id, theirs_id]))
            missing = client.get(reverse(name, args=[tenant_id, uuid4()]))
            assert foreign.status_code == missing.status_code == 404
            assert _text(foreign) == _text(missing)
    for name in ("member_role", "remove_member"):
        reply = client.post(reverse(name, args=[tenant.id, member.id]), {"role": "admin"})
        assert reply.status_code == 404
    assert Credential.objects.count() == 2


def _text(reply: Any) -> str:
    main: str = reply.content.decode().split("<main")[1]
    return main


def test_a_form_of_another_site_is_refused(tenant: Tenant) -> None:
    user = make_user(tenant, "admin")
    address, body = reverse("tenant_domains", args=[tenant.id]), {"domains": "evil.example"}
    assert client_of(user).post(address, body).status_code == 302
    before = AuditRow.objects.count()

    reply = client_of(user, enforce_csrf_checks=True).post(address, body)

    assert reply.status_code == 403
    assert "This form does not belong to your present session." in reply.content.decode()
    assert AuditRow.objects.count() == before
