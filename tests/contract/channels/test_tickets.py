"""Jira and ServiceNow: one ticket for one delivery, also when the answer to the first try was lost."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from emberwatch.channels.base import ChannelBusy, ChannelRefused
from emberwatch.channels.network import Network
from tests.contract.channels.conftest import SECRET_WORDS, Set, message, set_up
from tests.receivers import Answer, HttpReceiver, Received

PAIR: Final = base64.b64encode(f"bot@example.org:{SECRET_WORDS}".encode()).decode()


@dataclass
class Tickets:
    """A small ticket system of either kind. ``loses`` the answer to the first creation."""

    made: list[dict[str, Any]] = field(default_factory=list)
    loses: bool = False

    def jira(self, request: Received) -> Answer:
        if request.method == "GET":
            [query] = request.query["jql"]
            found = [
                t for t in self.made if any(f'"{label}"' in query for label in t["fields"]["labels"][1:])
            ]
            return Answer(body={"issues": [{"key": f"SEC-{self.made.index(t) + 1}"} for t in found]})
        self.made.append(request.json)
        return self._answer({"key": f"SEC-{len(self.made)}"})

    def servicenow(self, request: Received) -> Answer:
        if request.method == "GET":
            [query] = request.query["sysparm_query"]
            found = [t for t in self.made if query == f"correlation_id={t['correlation_id']}"]
            return Answer(body={"result": [{"number": f"INC{self.made.index(t) + 1}"} for t in found]})
        self.made.append(request.json)
        return self._answer({"result": {"number": f"INC{len(self.made)}"}})

    def _answer(self, body: dict[str, Any]) -> Answer:
        lost, self.loses = self.loses, False
        return Answer(504, "gateway") if lost else Answer(201, body)


def jira(url: str, edition: str = "cloud") -> Set:
    settings = {"url": url, "edition": edition, "project": "SEC"}
    if edition == "cloud":
        settings["username"] = "bot@example.org"
    return set_up("jira", settings, {"token": SECRET_WORDS})


def servicenow(url: str) -> Set:
    return set_up("servicenow", {"url": url, "username": "bot"}, {"password": SECRET_WORDS})


@pytest.mark.parametrize("system", ["jira", "servicenow"])
def test_a_lost_answer_does_not_make_two_tickets(
    system: str, receiver: HttpReceiver, network: Network
) -> None:
    tickets = Tickets(loses=True)
    receiver.route = getattr(tickets, system)
    channel = {"jira": jira, "servicenow": servicenow}[system](receiver.url)
    with pytest.raises(ChannelBusy):
        channel.deliver(message(), network)
    receipt = channel.deliver(message(), network)
    assert len(tickets.made) == 1
    assert receipt.provider_id in ("SEC-1", "INC1")
    channel.deliver(message(id="01977c3e-0000-7000-8000-000000000009"), network)
    assert len(tickets.made) == 2


@pytest.mark.parametrize(
    ("edition", "search", "authorization"),
    [
        (
            "cloud",
            "/rest/api/3/search/jql",
            "Basic " + base64.b64encode(f"bot@example.org:{SECRET_WORDS}".encode()).decode(),
        ),
        ("data_center", "/rest/api/2/search", f"Bearer {SECRET_WORDS}"),
    ],
)
def test_jira_in_both_editions(
    edition: str, search: str, authorization: str, receiver: HttpReceiver, network: Network
) -> None:
    receiver.route = Tickets().jira
    jira(receiver.url, edition).deliver(message(), network)
    asked, made = receiver.requests
    assert asked.path == search
    assert made.path == "/rest/api/2/issue"
    assert {each.headers["Authorization"] for each in receiver.requests} == {authorization}
    fields = made.json["fields"]
    assert fields["project"] == {"key": "SEC"}
    assert fields["issuetype"] == {"name": "Task"}
    assert "no second factor is registered" in fields["description"]


def test_jira_cloud_needs_the_owner_of_the_token(receiver: HttpReceiver, network: Network) -> None:
    channel = set_up("jira", {"url": receiver.url, "project": "SEC"}, {"token": SECRET_WORDS})
    with pytest.raises(ChannelRefused, match="e-mail address"):
        channel.deliver(message(), network)


def test_servicenow_takes_urgency_from_the_severity(receiver: HttpReceiver, network: Network) -> None:
    tickets = Tickets()
    receiver.route = tickets.servicenow
    servicenow(receiver.url).deliver(message(severity="medium"), network)
    assert receiver.requests[1].path == "/api/now/table/incident"
    assert tickets.made[0]["urgency"] == "2"


def test_a_page_in_the_place_of_an_answer_is_no_ticket(receiver: HttpReceiver, network: Network) -> None:
    receiver.route = lambda _: Answer(200, "<html>Your instance is asleep</html>")
    with pytest.raises(ChannelRefused, match="does not answer like ServiceNow"):
        servicenow(receiver.url).deliver(message(), network)
