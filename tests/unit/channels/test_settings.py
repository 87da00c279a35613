"""What may be typed into a channel, and what is said about the rest."""

from __future__ import annotations

import pytest

from emberwatch.channels.base import FieldKind, Kind
from emberwatch.channels.registry import KINDS
from emberwatch.channels.settings import checked_secrets, checked_settings
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.http.guard import NO_PRIVATE_HOSTS, PrivateHosts

GOOD = {"host": "smtp.example.org", "sender": "a@example.org", "recipients": "b@example.org"}


@pytest.mark.parametrize(
    ("kind", "settings", "field"),
    [
        ("email", GOOD | {"host": "https://smtp.example.org"}, "host"),
        ("email", GOOD | {"host": ""}, "host"),
        ("email", GOOD | {"port": "0"}, "port"),
        ("email", GOOD | {"port": "70000"}, "port"),
        ("email", GOOD | {"security": "ssl"}, "security"),
        ("email", GOOD | {"sender": "a@example.org\r\nBcc: x@y.z"}, "sender"),
        ("email", GOOD | {"recipients": "nobody"}, "recipients"),
        ("email", GOOD | {"recipients": "\n".join(f"p{n}@example.org" for n in range(51))}, "recipients"),
        ("email", GOOD | {"surprise": "1"}, "settings"),
        ("webhook", {"url": "ftp://example.org"}, "url"),
        ("webhook", {"url": "http://example.org/hook"}, "url"),
        ("webhook", {"url": "https://user:pass@example.org/hook"}, "url"),
        ("webhook", {"url": "https://example.org:99999/"}, "url"),
        ("splunk", {"url": "https://example.org/?x=1"}, "url"),
        ("jira", {"url": "https://example.org", "project": 'SEC" OR "1'}, "project"),
        ("servicenow", {"url": "https://example.org", "username": "bot", "table": "../x"}, "table"),
        ("syslog", {"host": "example.org", "transport": "sctp"}, "transport"),
    ],
)
def test_what_is_refused_names_its_field(kind: str, settings: dict[str, str], field: str) -> None:
    with pytest.raises(BadInput) as raised:
        checked_settings(KINDS[kind], settings, NO_PRIVATE_HOSTS)
    assert raised.value.field == field


def test_what_is_left_out_takes_its_default() -> None:
    found = checked_settings(KINDS["email"], GOOD, NO_PRIVATE_HOSTS)
    assert (found["port"], found["security"], found["username"]) == ("587", "starttls", "")


def test_plain_http_is_for_hosts_that_the_operator_names() -> None:
    typed = {"url": "http://siem.corp.example/hook"}
    allowed = PrivateHosts.of(["siem.corp.example"])
    assert checked_settings(KINDS["webhook"], typed, allowed) == typed
    with pytest.raises(BadInput):
        checked_settings(KINDS["webhook"], typed, PrivateHosts.of(["other.corp.example"]))


@pytest.mark.parametrize(
    ("kind", "secrets"),
    [
        ("slack", {"url": "hunter2-is-no-address"}),
        ("webhook", {"secret": "hunter2"}),
        ("slack", {"url": "https://example.org/hunter2\nx"}),
        ("email", {"key": "hunter2"}),
    ],
)
def test_a_secret_is_never_repeated(kind: str, secrets: dict[str, str]) -> None:
    given = {name: Secret(value) for name, value in secrets.items()}
    with pytest.raises(BadInput) as raised:
        checked_secrets(KINDS[kind], given, NO_PRIVATE_HOSTS)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_can_be_shown_as_a_form(kind: Kind) -> None:
    names = [field.name for field in kind.fields]
    assert len(names) == len(set(names))
    for field in kind.fields:
        assert field.label
        assert (field.kind is FieldKind.CHOICE) == bool(field.choices)
        assert not field.choices or field.default in dict(field.choices)
