"""Tickets in Jira, Cloud and Data Center. Each bears its delivery's label, and is searched for before it is made."""

from __future__ import annotations

import base64
from typing import Any, Final

from emberwatch.channels import checks
from emberwatch.channels.base import (
    ChannelRefused,
    Field,
    FieldKind,
    Kind,
    Message,
    Receipt,
    Secrets,
    Settings,
)
from emberwatch.channels.exchange import json_of, post, request
from emberwatch.channels.network import Network
from emberwatch.channels.wording import one_line, text_of

CLOUD: Final = "cloud"
DATA_CENTER: Final = "data_center"
_LABEL: Final = "emberwatch"
# Cloud has taken the older address of searches away; Data Center knows only that one.
_SEARCH: Final = {CLOUD: "/rest/api/3/search/jql", DATA_CENTER: "/rest/api/2/search"}
# The second version takes plain text on both.
_CREATE: Final = "/rest/api/2/issue"


def deliver(message: Message, settings: Settings, secrets: Secrets, network: Network) -> Receipt:
    headers = {"Authorization": _authorization(settings, secrets), "Accept": "application/json"}
    found = _existing(message, settings, secrets, headers, network)
    if found:
        return Receipt(found)
    made = post(
        network,
        settings["url"] + _CREATE,
        json=issue(message, settings),
        headers=headers,
        secrets=list(secrets.values()),
    )
    return Receipt(str(json_of(made, "Jira").get("key", ""))[:100])


def issue(message: Message, settings: Settings) -> dict[str, Any]:
    return {
        "fields": {
            "project": {"key": settings["project"]},
            "issuetype": {"name": settings["issue_type"]},
            "summary": one_line(message.title, 250),
            "description": text_of(message)[:30_000],
            "labels": [_LABEL, _external(message)],
        }
    }


def _external(message: Message) -> str:
    return f"{_LABEL}-{message.id}"


def _existing(
    message: Message, settings: Settings, secrets: Secrets, headers: dict[str, str], network: Network
) -> str:
    query = f'project = "{settings["project"]}" AND labels = "{_external(message)}"'
    reply = request(
        network,
        "GET",
        settings["url"] + _SEARCH[settings["edition"]],
        params={"jql": query, "fields": "key", "maxResults": "1"},
        headers=headers,
        secrets=list(secrets.values()),
    )
    issues = json_of(reply, "Jira").get("issues") or []
    return str(issues[0].get("key", ""))[:100] if issues else ""


def _authorization(settings: Settings, secrets: Secrets) -> str:
    token = secrets["token"]
    if settings["edition"] == DATA_CENTER:
        return f"Bearer {token.expose()}"
    if not settings["username"]:
        raise ChannelRefused("Jira Cloud needs the e-mail address of the token's owner.")
    pair = f"{settings['username']}:{token.expose()}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


KIND: Final = Kind(
    name="jira",
    label="Jira",
    deliver=deliver,
    fields=(
        Field(
            "edition",
            "Edition",
            FieldKind.CHOICE,
            default=CLOUD,
            choices=((CLOUD, "Cloud"), (DATA_CENTER, "Data Center")),
        ),
        Field(
            "url",
            "Address",
            FieldKind.URL,
            hint="Such as https://example.atlassian.net.",
            check=checks.origin,
            leads=True,
        ),
        Field(
            "project",
            "Project key",
            check=checks.matching(r"[A-Z][A-Z0-9_]{1,30}", "needs a key such as SEC"),
        ),
        Field("issue_type", "Issue type", default="Task"),
        Field(
            "username",
            "E-mail of the token's owner",
            required=False,
            hint="For Cloud. Data Center needs none.",
        ),
        Field("token", "API token", FieldKind.SECRET, hint="Of Data Center: a personal access token."),
    ),
)
