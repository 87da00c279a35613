"""Slack, by an incoming webhook and Block Kit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from emberwatch.channels import checks
from emberwatch.channels.base import Field, FieldKind, Item, Kind, Message, Receipt, Secrets, Settings
from emberwatch.channels.exchange import post
from emberwatch.channels.network import Network
from emberwatch.channels.wording import footer, one_line

# Slack takes 50 blocks in one message, 3,000 signs in one section.
MOST_ITEMS: Final = 20
_LONGEST_SECTION: Final = 2900


def deliver(message: Message, _settings: Settings, secrets: Secrets, network: Network) -> Receipt:
    url = secrets["url"]
    post(network, url.expose(), json=payload(message), secrets=[url])
    return Receipt()


def payload(message: Message) -> dict[str, Any]:
    return {"text": escaped(one_line(message.title, 300)), "blocks": list(_blocks(message))}


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    yield {"type": "header", "text": {"type": "plain_text", "text": one_line(message.title, 150)}}
    for item in message.items[:MOST_ITEMS]:
        yield {"type": "section", "text": {"type": "mrkdwn", "text": _item(item)}}
    rest = message.total - len(message.items[:MOST_ITEMS])
    if rest > 0:
        yield _note(f"And {rest:,} more.")
    if message.link:
        button = {"type": "plain_text", "text": "Open in Emberwatch"}
        yield {"type": "actions", "elements": [{"type": "button", "text": button, "url": message.link}]}
    yield _note(footer(message))


def _note(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": escaped(text)}]}


def _item(item: Item) -> str:
    lines = [f"*{_flat(item.title)}*"]
    lines += [f"{_flat(label)}: {_flat(value)}" for label, value in item.facts]
    lines += [f"– {_flat(reason)}" for reason in item.reasons]
    links = ((item.link, "Emberwatch"), (item.account_link, "Entra admin center"))
    lines.append(" · ".join(f"<{address}|{label}>" for address, label in links if address))
    text = ""
    for line in filter(None, lines):
        if len(text) + len(line) + 1 > _LONGEST_SECTION:
            break
        text += f"{line}\n"
    return text.rstrip()


def _flat(text: str) -> str:
    return escaped(one_line(text, 500))


# What would begin bold, code or a quotation in a name that somebody else chose.
_INERT: Final = str.maketrans({"*": "∗", "`": "ˋ", "~": "∼"})


def escaped(text: str) -> str:
    """Slack's three signs of control, so that no login can become a link or call a whole channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").translate(_INERT)


KIND: Final = Kind(
    name="slack",
    label="Slack",
    deliver=deliver,
    most_items=MOST_ITEMS,
    fields=(
        Field(
            "url",
            "Webhook URL",
            FieldKind.SECRET,
            hint="Of an incoming webhook, such as https://hooks.slack.com/services/…. It is kept like a password.",
            check=checks.url,
        ),
    ),
)
