"""A message as plain text, for mails, tickets and whatever has no layout of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from emberwatch.channels.base import Item, Message


def text_of(message: Message) -> str:
    return "\n".join(_lines(message)).strip() + "\n"


def _lines(message: Message) -> Iterator[str]:
    yield message.title
    yield ""
    for item in message.items:
        yield from item_lines(item)
        yield ""
    if message.more:
        yield f"And {message.more:,} more."
    if message.link:
        yield f"All of it: {message.link}"
    yield ""
    yield footer(message)


def item_lines(item: Item) -> Iterator[str]:
    yield f"* {item.title}"
    for label, value in item.facts:
        yield f"  {label}: {value}"
    for reason in item.reasons:
        yield f"  - {reason}"
    if item.link:
        yield f"  In Emberwatch: {item.link}"
    if item.account_link:
        yield f"  In the Entra admin center: {item.account_link}"


def footer(message: Message) -> str:
    if message.is_test:
        return f"A test of this channel by Emberwatch, tenant {message.tenant}. Delivery {message.id}."
    return f"Sent by Emberwatch for {message.tenant}, rule {message.rule}. Delivery {message.id}."


def one_line(text: str, longest: int) -> str:
    """Without line breaks, cut to a length."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
