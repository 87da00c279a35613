"""What was typed into a form, and what a service said about it; shown again beside the field at fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.http import HttpRequest

from emberwatch.core.errors import EmberwatchError


@dataclass(frozen=True, slots=True)
class Form:
    values: Mapping[str, str] = field(default_factory=dict)
    error: EmberwatchError | None = None

    def error_of(self, name: str) -> EmberwatchError | None:
        return self.error if self.error and self.error.field == name else None


def posted(request: HttpRequest, *names: str) -> dict[str, str]:
    """The named fields as they were typed; one that is missing is empty. NUL cannot be stored."""
    return {name: request.POST.get(name, "").replace("\x00", "") for name in names}


def lines(text: str) -> list[str]:
    """One entry a line; commas and blanks part them too."""
    return [entry for entry in text.replace(",", " ").split() if entry]


def joined(entries: Iterable[str]) -> str:
    return "\n".join(entries)
