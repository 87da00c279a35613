"""Channels, rules and deliveries through pages, API and command line; secrets stay in, other tenants stay out."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from emberwatch.accounts.actor import SYSTEM
from emberwatch.alerts.delivering import opened_secrets
from emberwatch.alerts.models import AlertChannel, AlertRule, Delivery
from emberwatch.alerts.services import ChannelForm, change_channel, create_channel, remove_channel
from emberwatch.audit.models import AuditRow
from emberwatch.core.errors import BadInput, Conflict, NotAllowed
from emberwatch.core.secret import Secret
from emberwatch.tenants.models import Tenant
from emberwatch.vault.crypto import VaultError
from tests.factories import (
    NOW,
    make_actor,
    make_alert_rule,
    make_channel,
    make_delivery,
    make_tenant,
    make_user,
)
from tests.integration.alerts.conftest import SIGNING, make_rule, make_slack, make_webhook
from tests.integration.api.conftest import Caller, caller_for
from tests.integration.cli.conftest import Run, run  # noqa: F401 - a fixture
from tests.integration.web.conftest import client_of
from tests.receivers import Answer, HttpReceiver

HOOK = {"kind": "webhook", "name": "Hook", "secrets": {"secret": SIGNING}}


@pytest.fixture
def admin(tenant: Tenant) -> Caller:
    return caller_for(tenant, "admin")


@pytest.fixture
def browser(tenant: Tenant) -> Client:
    return client_of(make_user(tenant, "admin"))


def test_the_api_makes_tests_and_tells(admin: Caller, receiver: HttpReceiver) -> None:
    made = admin("POST", admin.here("/alert-channels"), HOOK | {"settings": {"url": receiver.url}})
    assert made.status_code == 201
    channel = made.json()
    assert channel["secret_names"] == ["secret"]
    assert SIGNING not in made.content.decode()
    tested = admin("POST", admin.here(f"/alert-channels/{channel['id']}/test")).json()
    assert (tested["state"], tested["is_test"]) == ("sent", True)
    assert admin.get(admin.here(f"/alert-channels/{channel['id']}")).json()["status"] == "success"
    rule = {"name": "Fires", "facts": ["active", "drifted"], "channels": [channel["id"]], "cadence": "daily"}
    made_rule = admin("POST", admin.here("/alert-rules"), rule).json()
    assert made_rule["facts"] == ["active", "drifted"]
    assert made_rule["next_digest_at"]
    listed = admin.get(admin.here(f"/alert-deliveries?channel={channel['id']}&state=sent")).json()
    assert [row["id"] for row in listed["items"]] == [tested["id"]]
    refused = admin("DELETE", admin.here(f"/alert-channels/{channel['id']}"))
    assert refused.status_code == 409
    assert admin("DELETE", admin.here(f"/alert-rules/{made_rule['id']}")).status_code == 204
    assert admin("DELETE", admin.here(f"/alert-channels/{channel['id']}")).status_code == 204
    assert Delivery.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"settings": {"url": "http://example.org"}}, "url"),
        ({"settings": {"url": "https://example.org", "speed": "1"}}, "settings"),
        ({"secrets": {}}, "secret"),
        ({"secrets": {"secret": "short"}}, "secret"),
        ({"name": "   "}, "name"),
    ],
)
def test_what_is_wrong_is_named(admin: Caller, change: dict[str, Any], field: str) -> None:
    good = HOOK | {"settings": {"url": "https://example.org/hook"}}
    refused = admin("POST", admin.here("/alert-channels"), good | change)
    assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert AlertChannel.objects.count() == 0
    assert admin("POST", admin.here("/alert-channels"), good).status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channels": [str(uuid4())]}, "channels"),
        ({"channels": ["nothing"]}, "channels"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(admin: Caller, change: dict[str, Any], field: str) -> None:
    good = {"name": "Fires", "facts": ["active"], "channels": [str(make_channel(admin.tenant).pk)]}
    refused = admin("POST", admin.here("/alert-rules"), good | change)
    assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert admin("POST", admin.here("/alert-rules"), good).status_code == 201


def test_a_stored_secret_never_goes_to_another_address(tenant: Tenant, receiver: HttpReceiver) -> None:
    channel = make_webhook(tenant, receiver)
    elsewhere = {"url": "https://thief.example/hook"}
    with pytest.raises(BadInput) as raised:
        change_channel(channel, ChannelForm("Hook", elsewhere), actor=SYSTEM, now=NOW)
    assert raised.value.field == "secret"
    channel.refresh_from_db()
    assert channel.settings["url"].startswith(receiver.url)
    change_channel(channel, ChannelForm("Renamed", channel.settings), actor=SYSTEM, now=NOW)
    assert opened_secrets(channel)["secret"].expose() == SIGNING
    fresh = ChannelForm("Hook", elsewhere, {"secret": Secret("another secret to sign with")})
    assert change_channel(channel, fresh, actor=SYSTEM, now=NOW).settings == elsewhere


def test_a_second_secret_comes_and_goes(tenant: Tenant, receiver: HttpReceiver) -> None:
    channel = make_webhook(tenant, receiver)
    with_second = ChannelForm("Hook", channel.settings, {"other_secret": Secret("the second of two secrets")})
    change_channel(channel, with_second, actor=SYSTEM, now=NOW)
    assert channel.secret_names == ["other_secret", "secret"]
    change_channel(
        channel, ChannelForm("Hook", channel.settings, {}, ["other_secret"]), actor=SYSTEM, now=NOW
    )
    assert channel.secret_names == ["secret"]
    with pytest.raises(BadInput):
        change_channel(channel, ChannelForm("Hook", channel.settings, {}, ["secret"]), actor=SYSTEM, now=NOW)


def test_sealed_secrets_open_in_their_own_row_alone(tenant: Tenant, receiver: HttpReceiver) -> None:
    one, other = make_webhook(tenant, receiver), make_slack(tenant, receiver)
    assert SIGNING.encode() not in bytes(one.sealed_secrets)
    other.sealed_secrets = one.sealed_secrets
    with pytest.raises(VaultError):
        opened_secrets(other)


def test_every_change_is_in_the_audit_and_no_secret_is(tenant: Tenant, receiver: HttpReceiver) -> None:
    channel = make_webhook(tenant, receiver)
    rule = make_rule(tenant, channel)
    change_channel(channel, ChannelForm("Hook", channel.settings), actor=SYSTEM, now=NOW)
    with pytest.raises(Conflict, match="no other channel"):
        remove_channel(channel, actor=SYSTEM, now=NOW)
    from emberwatch.alerts.ruling import remove_rule

    remove_rule(rule, actor=SYSTEM, now=NOW)
    remove_channel(channel, actor=SYSTEM, now=NOW)
    rows = list(AuditRow.objects.filter(chain=tenant.pk).order_by("sequence"))
    actions = [row.action for row in rows]
    assert [action for action in actions if action.startswith("alert")] == [
        "alert_channel.created",
        "alert_rule.created",
        "alert_channel.changed",
        "alert_rule.removed",
        "alert_channel.removed",
    ]
    assert SIGNING not in json.dumps([row.facts for row in rows])


def test_the_services_themselves_ask_for_the_role(tenant: Tenant) -> None:
    form = ChannelForm("Hook", {"url": "https://example.org/hook"}, {"secret": Secret(SIGNING)})
    for role in ("viewer", "analyst"):
        with pytest.raises(NotAllowed):
            create_channel(tenant, "webhook", form, actor=make_actor(tenant, role), now=NOW)
    create_channel(tenant, "webhook", form, actor=make_actor(tenant, "admin"), now=NOW)


def test_another_tenants_objects_are_not_there(admin: Caller, browser: Client, tenant: Tenant) -> None:
    theirs = make_tenant()
    for owner, found in ((tenant, 200), (theirs, 404)):
        rule = make_alert_rule(owner)
        ids = {
            "channels": rule.channels.get().pk,
            "rules": rule.pk,
            "deliveries": make_delivery(rule).pk,
        }
        for kind, row_id in ids.items():
            assert admin.get(admin.here(f"/alert-{kind}/{row_id}")).status_code == found, kind
        pages = {"alert_channel": ids["channels"], "alert_rule": ids["rules"]}
        for name, row_id in pages.items():
            assert browser.get(reverse(name, args=[tenant.pk, row_id])).status_code == found, name
    posts = {
        "test_alert_channel": ids["channels"],
        "switch_alert_channel": ids["channels"],
        "remove_alert_channel": ids["channels"],
        "remove_alert_rule": ids["rules"],
        "send_alert_again": ids["deliveries"],
    }
    before = (AlertChannel.objects.count(), AlertRule.objects.count(), Delivery.objects.count())
    for name, row_id in posts.items():
        assert browser.post(reverse(name, args=[tenant.pk, row_id])).status_code == 404, name
    borrowed = {"name": "x", "facts": ["active"], "channels": [str(ids["channels"])]}
    assert admin("POST", admin.here("/alert-rules"), borrowed).status_code == 422
    assert (AlertChannel.objects.count(), AlertRule.objects.count(), Delivery.objects.count()) == before
    listed = admin.get(admin.here("/alert-deliveries")).json()["items"]
    assert str(ids["deliveries"]) not in {row["id"] for row in listed}


def test_a_page_shows_what_failed_and_never_a_secret(
    browser: Client, tenant: Tenant, receiver: HttpReceiver
) -> None:
    channel = make_slack(tenant, receiver)
    receiver.answers = [Answer(404, "no_service")]
    here = reverse("alert_channel", args=[tenant.pk, channel.pk])
    told = browser.post(reverse("test_alert_channel", args=[tenant.pk, channel.pk]), follow=True)
    text = told.content.decode()
    assert "the test failed" in text
    assert "no_service" in text
    assert "Error, stopped" in text
    assert "not-for-others" not in text
    saved = browser.post(here, {"name": "SOC chat", "url": ""}, follow=True).content.decode()
    assert "Untested" in saved
    assert "Stored; leave it empty to keep it." in saved
    worked = browser.post(
        reverse("test_alert_channel", args=[tenant.pk, channel.pk]), {"from": "overview"}, follow=True
    )
    assert "the test message was taken" in worked.content.decode()
    wrong = browser.post(here, {"name": "SOC chat", "url": "no address at all"})
    assert wrong.status_code == 400
    assert "needs an address such as" in wrong.content.decode()
    assert "no address at all" not in wrong.content.decode()


def test_a_page_makes_a_rule_and_shows_it_again(browser: Client, tenant: Tenant) -> None:
    channel = make_channel(tenant)
    form: dict[str, Any] = {
        "name": "Night watch",
        "facts": ["active", "drifted"],
        "channels": [str(channel.pk)],
        "minimum_severity": "high",
        "cadence": "daily",
        "digest_hour": "6",
        "time_zone": "Nowhere/Land",
        "is_on": "yes",
    }
    new = reverse("new_alert_rule", args=[tenant.pk])
    refused = browser.post(new, form)
    assert refused.status_code == 400
    text = refused.content.decode()
    assert "There is no such time zone." in text
    assert text.count("checked") == 4
    browser.post(new, form | {"time_zone": "Europe/Amsterdam"})
    rule = AlertRule.objects.get()
    assert (rule.facts, rule.minimum_severity, rule.digest_hour) == (["active", "drifted"], "high", 6)
    here = reverse("alert_rule", args=[tenant.pk, rule.pk])
    browser.post(here, form | {"time_zone": "UTC", "is_on": "", "facts": ["active"]})
    rule.refresh_from_db()
    assert (rule.is_on, rule.facts) == (False, ["active"])


def test_the_command_line_does_the_same(
    run: Run,  # noqa: F811 - the fixture
    tenant: Tenant,
    receiver: HttpReceiver,
) -> None:
    made = run(
        *("alerts", "channel", "add", tenant.name, "webhook", "Hook", "--set", f"url={receiver.url}/hook"),
        *("--secrets", "--json"),
        typed=json.dumps({"secret": SIGNING}),
    )
    assert made.code == 0, made.err
    assert made.rows[0]["secret_names"] == ["secret"]
    assert SIGNING not in made.out + made.err
    assert run("alerts", "channel", "test", tenant.name, "Hook").out.startswith("Sent.")
    receiver.answers = [Answer(401)]
    failed = run("alerts", "channel", "test", tenant.name, "Hook")
    assert failed.code == 1
    assert "does not accept the key" in failed.out
    assert run("alerts", "channel", "switch", tenant.name, "Hook", "--json").rows[0]["disabled_at"] is None
    rule = run(
        *("alerts", "rule", "add", tenant.name, "Fires", "--fact", "active", "--channel", "Hook"),
        *("--cadence", "hourly", "--json"),
    )
    assert rule.rows[0]["cadence"] == "hourly"
    changed = run(
        "alerts", "rule", "change", tenant.name, "Fires", "--switch", "off", "--fact", "drifted", "--json"
    )
    assert (changed.rows[0]["is_on"], changed.rows[0]["facts"]) == (False, ["drifted"])
    assert changed.rows[0]["cadence"] == "hourly"
    listed = run("alerts", "deliveries", tenant.name, "--state", "failed", "--json").rows
    assert len(listed) == 1
    assert run("alerts", "channel", "list", tenant.name).code == 0
    assert run("alerts", "rule", "list", tenant.name).code == 0
    assert run("alerts", "channel", "kinds").code == 0
    renamed = run("alerts", "channel", "change", tenant.name, "Hook", "--name", "New", "--json")
    assert renamed.rows[0]["name"] == "New"
    delivery = make_delivery(AlertRule.objects.get())
    assert run("alerts", "resend", tenant.name, str(delivery.pk), "--json").rows[0]["state"] == "queued"
    assert run("alerts", "rule", "remove", tenant.name, "Fires").code == 0
    assert run("alerts", "channel", "remove", tenant.name, "New").code == 0
    assert run("alerts", "channel", "add", tenant.name, "pigeon", "x").code == 2
    assert run("alerts", "channel", "test", tenant.name, "New").code == 2
