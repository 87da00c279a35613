"""What the frame around every page shows: tenants to switch between, what may be done, what is out of order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from emberwatch.core.clock import utc_now
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.queries import connections_of
from emberwatch.engine.queries import worker_is_alive
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import permissions_of, visible_tenants
from emberwatch.validation.choices import kill_switch
from emberwatch.validation.models import KillSwitch
from emberwatch.web.access import CURRENT_TENANT, actor_of

MOST_TENANTS_IN_SWITCHER: Final = 200
# Which page of another tenant the switcher leads to, by the page that is open.
_SWITCH_TO: Final[Mapping[str, str]] = {
    "imports": "imports",
    "import": "imports",
    "identities": "identities",
    "identity": "identities",
    "runs": "runs",
    "run": "runs",
    "attempts": "attempts",
    "remediations": "remediations",
    "remediation": "remediations",
    "tenant": "tenant",
    "directory": "tenant",
    "choices": "tenant",
    "alerts": "tenant",
    "alert_channel": "tenant",
    "alert_rule": "tenant",
    "alert_deliveries": "tenant",
    "soc": "tenant",
}


def shell(request: HttpRequest) -> dict[str, Any]:
    """Read only when a template asks: parts of pages and error pages do not."""
    return {"shell": SimpleLazyObject(lambda: Shell(request))}


@dataclass
class Shell:
    request: HttpRequest

    @cached_property
    def tenants(self) -> list[Tenant]:
        return list(visible_tenants(actor_of(self.request))[:MOST_TENANTS_IN_SWITCHER])

    @cached_property
    def tenant(self) -> Tenant | None:
        """The tenant of the address, else the one that was looked at last, else the first."""
        entered = getattr(self.request, CURRENT_TENANT, None)
        if isinstance(entered, Tenant):
            return entered
        remembered = self.request.session.get(CURRENT_TENANT)
        found = (tenant for tenant in self.tenants if str(tenant.id) == remembered)
        return next(found, self.tenants[0] if self.tenants else None)

    @cached_property
    def may(self) -> frozenset[Permission]:
        return permissions_of(actor_of(self.request), self.tenant) if self.tenant else frozenset()

    @property
    def switch_to(self) -> str:
        match = self.request.resolver_match
        return _SWITCH_TO.get(match.url_name or "", "feed") if match else "feed"

    @cached_property
    def worker_is_missing(self) -> bool:
        return not worker_is_alive(utc_now())

    @cached_property
    def kill_switch(self) -> KillSwitch | None:
        return kill_switch()

    @cached_property
    def stopped_directory(self) -> DirectoryConnection | None:
        """The first of the current tenant's connections that does not work."""
        return next((each for each in self._directories if each.status != ConnectionStatus.ACTIVE), None)

    @property
    def has_several_directories(self) -> bool:
        return len(self._directories) > 1

    @cached_property
    def _directories(self) -> list[DirectoryConnection]:
        return connections_of(self.tenant.id) if self.tenant else []
