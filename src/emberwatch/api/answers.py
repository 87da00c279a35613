"""Which answers an operation can give, for its contract and for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from ninja import Schema

from emberwatch.api.problems import Problem

# Any operation may end so: a request that cannot be read, no token, no such thing, a fault of ours.
_ALWAYS: Final = (400, 401, 403, 404, 415, 422, 500, 503)


def answers(success: int, shape: type[Schema] | Any, *others: int) -> dict[int, Any]:
    """``{status: shape}`` with the problems that every operation shares and those of this one."""
    return {success: shape} | dict.fromkeys(sorted({*_ALWAYS, *others}), Problem)
