"""How much an app may ask of Graph in ten seconds, and the headers in which Graph says how near the limit is."""

from __future__ import annotations

from typing import Final

from emberwatch.simulator.graph_replies import GraphError
from emberwatch.simulator.state import AppState, DirectoryState

_WINDOW_SECONDS: Final = 10
_TOLD_FROM: Final = 0.8
"""The service says nothing of the limit while less of it is used."""


def spend_units(directory: DirectoryState, app: AppState | None, units: int) -> dict[str, str]:
    """Take resource units; the headers that tell of it, or the 429 beyond the limit."""
    limit = directory.scenario.resource_units_per_10s
    if limit is None or app is None:
        return {}
    used = _spend(app.spent_units, units, limit, directory.world.clock().timestamp())
    if used < _TOLD_FROM:
        return {}
    return {"x-ms-throttle-limit-percentage": f"{used:.2f}", "x-ms-throttle-scope": _scope(directory, app)}


def spend_report(directory: DirectoryState, app: AppState | None) -> None:
    """Take one of the requests for reports, or refuse it."""
    limit = directory.scenario.reports_per_10s
    if limit is not None and app is not None:
        _spend(app.spent_reports, 1, limit, directory.world.clock().timestamp())


def _spend(spent: list[tuple[float, int]], units: int, limit: int, now: float) -> float:
    """The share of the limit that is used with this request."""
    spent[:] = [(at, used) for at, used in spent if now - at < _WINDOW_SECONDS]
    used = sum(each for _, each in spent) + units
    if used > limit:
        wait = max(1, round((spent[0][0] if spent else now) + _WINDOW_SECONDS - now))
        headers = {
            "Retry-After": str(wait),
            "x-ms-throttle-limit-percentage": f"{used / limit:.2f}",
            "x-ms-throttle-information": "ResourceUnitLimitExceeded",
        }
        raise GraphError(429, "TooManyRequests", "Too many requests.", headers=headers)
    spent.append((now, units))
    return used / limit


def _scope(directory: DirectoryState, app: AppState) -> str:
    return f"Tenant_Application/ReadWrite/{app.scenario.client_id}/{directory.id}"
