"""One message, a network that may reach this machine, and a receiver for each kind of channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from emberwatch.channels.base import Item, Kind, Message, Receipt
from emberwatch.channels.network import Network
from emberwatch.channels.registry import KINDS
from emberwatch.channels.settings import checked_secrets, checked_settings
from emberwatch.core.secret import Secret
from emberwatch.http.guard import NO_PRIVATE_HOSTS, PrivateHosts
from tests.receivers import HERE, Authority, HttpReceiver, http_receiver, make_authority

NOW: Final = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LOCAL: Final = PrivateHosts.of([HERE, "localhost"])
SECRET_WORDS: Final = "the-secret-of-this-channel-0123456789"


def message(*items: Item, **more: Any) -> Message:
    found = items or (item(),)
    facts: dict[str, Any] = {
        "id": "01977c3e-0000-7000-8000-000000000001",
        "tenant": "Contoso",
        "title": "Active: ann@contoso.example (Contoso)",
        "severity": "critical",
        "created_at": "2026-06-01T12:00:00Z",
        "items": found,
        "total": len(found),
        "link": "https://emberwatch.example.org/tenants/1/credentials/2/",
        "rule": "Fires",
    }
    return Message(**facts | more)


def item(number: int = 1, **more: Any) -> Item:
    facts: dict[str, Any] = {
        "id": f"01977c3e-0000-7000-8000-{number:012}",
        "fact": "active",
        "title": "Active: ann@contoso.example",
        "severity": "critical",
        "at": "2026-06-01T11:59:00Z",
        "reasons": ("A leaked password works, and no second factor is registered.",),
        "facts": (("Login", "ann@contoso.example"), ("Verdict", "Active (proved: the directory answered)")),
        "data": {"login": "ann@contoso.example", "verdict": "active", "certainty": "proved"},
        "link": "https://emberwatch.example.org/tenants/1/credentials/2/",
        "account_link": "https://entra.microsoft.com/#view/x/userId/3",
    }
    return Item(**facts | more)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def network(authority: Authority) -> Network:
    return Network(private_hosts=LOCAL, ca_file=authority.ca_file, clock=lambda: NOW, sleep=lambda _: None)


@pytest.fixture
def strict(network: Network) -> Network:
    """The same of an operator who allows nothing private."""
    return replace(network, private_hosts=NO_PRIVATE_HOSTS)


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as found:
        yield found


@dataclass(frozen=True)
class Set:
    """A channel that is set up for a receiver."""

    kind: Kind
    settings: dict[str, str]
    secrets: dict[str, Secret]

    def deliver(self, what: Message, network: Network) -> Receipt:
        return self.kind.deliver(what, self.settings, self.secrets, network)


def set_up(name: str, settings: dict[str, str], secrets: dict[str, str] | None = None) -> Set:
    """Through the same checks as what a person types."""
    kind = KINDS[name]
    given = {key: Secret(value) for key, value in (secrets or {}).items()}
    return Set(kind, checked_settings(kind, settings, LOCAL), checked_secrets(kind, given, LOCAL))


def http_channel(name: str, base: str) -> Set:
    """Any of the channels over HTTP, for a receiver."""
    plain, hidden = {
        "slack": ({}, {"url": f"{base}/services/{SECRET_WORDS}"}),
        "teams": ({}, {"url": f"{base}/workflows/{SECRET_WORDS}"}),
        "webhook": ({"url": f"{base}/hook"}, {"secret": SECRET_WORDS}),
        "splunk": ({"url": base}, {"token": SECRET_WORDS}),
        "jira": ({"url": base, "project": "SEC", "username": "bot@example.org"}, {"token": SECRET_WORDS}),
        "servicenow": ({"url": base, "username": "bot"}, {"password": SECRET_WORDS}),
    }[name]
    return set_up(name, plain, hidden)


HTTP_KINDS: Final = ("slack", "teams", "webhook", "splunk", "jira", "servicenow")
