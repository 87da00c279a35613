"""Microsoft Teams, by the webhook of a workflow and an adaptive card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from emberwatch.channels import checks
from emberwatch.channels.base import Field, FieldKind, Item, Kind, Message, Receipt, Secrets, Settings
from emberwatch.channels.exchange import post
from emberwatch.channels.network import Network
from emberwatch.channels.wording import footer, one_line

# Teams refuses messages above 28 KB.
MOST_BYTES: Final = 26_000
_MARKDOWN: Final = str.maketrans({sign: f"\\{sign}" for sign in "\\*_[]()#`>~"})


def deliver(message: Message, _settings: Settings, secrets: Secrets, network: Network) -> Receipt:
    url = secrets["url"]
    post(network, url.expose(), json=payload(message), secrets=[url])
    return Receipt()


def payload(message: Message) -> dict[str, Any]:
    """With as many things as fit; the others are counted."""
    items: Sequence[Item] = message.items
    while True:
        found = _card(message, items)
        if not items or len(json.dumps(found)) <= MOST_BYTES:
            return found
        items = items[: len(items) * 3 // 4]


def _card(message: Message, items: Sequence[Item]) -> dict[str, Any]:
    body = [_text(message.title, size="Large", weight="Bolder")]
    body += [{"type": "Container", "separator": True, "items": list(_item(item))} for item in items]
    if message.total > len(items):
        body.append(_text(f"And {message.total - len(items):,} more."))
    body.append(_text(footer(message), size="Small", isSubtle=True))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
    }
    if message.link:
        card["actions"] = [_open(message.link, "Open in Emberwatch")]
    content = "application/vnd.microsoft.card.adaptive"
    return {
        "type": "message",
        "attachments": [{"contentType": content, "contentUrl": None, "content": card}],
    }


def _item(item: Item) -> Sequence[dict[str, Any]]:
    facts = [{"title": label, "value": _plain(value)} for label, value in item.facts]
    found = [_text(item.title, weight="Bolder"), {"type": "FactSet", "facts": facts}]
    found += [_text(reason) for reason in item.reasons]
    links = ((item.link, "In Emberwatch"), (item.account_link, "In the Entra admin center"))
    actions = [_open(address, label) for address, label in links if address]
    return [*found, {"type": "ActionSet", "actions": actions}] if actions else found


def _text(text: str, **look: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _plain(text), "wrap": True, **look}


def _plain(text: str) -> str:
    """Cards read Markdown: a name that somebody else chose must not become a link."""
    return one_line(text, 500).translate(_MARKDOWN)


def _open(url: str, title: str) -> dict[str, Any]:
    return {"type": "Action.OpenUrl", "title": title, "url": url}


KIND: Final = Kind(
    name="teams",
    label="Microsoft Teams",
    deliver=deliver,
    most_items=15,
    fields=(
        Field(
            "url",
            "Workflow URL",
            FieldKind.SECRET,
            hint="The HTTP POST URL of the workflow. It is kept like a password.",
            check=checks.url,
        ),
    ),
)
