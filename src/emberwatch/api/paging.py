"""Keyset paging: every listing answers ``items`` and the cursor of the page after it."""

from __future__ import annotations

from typing import Annotated, Final, Generic, TypeVar

from ninja import Field, Schema

MOST_ITEMS: Final = 200

Limit = Annotated[int, Field(ge=1, le=MOST_ITEMS, description="How many items a page holds at most.")]
Cursor = Annotated[
    str,
    Field(max_length=200, description="`next_cursor` of the page before; leave it out for the first page."),
]

Item = TypeVar("Item")


class Page(Schema, Generic[Item]):
    items: list[Item]
    next_cursor: str | None = Field(description="Ask for the next page with it; null on the last page.")


class Paging(Schema):
    cursor: Cursor = ""
    limit: Limit = 50
