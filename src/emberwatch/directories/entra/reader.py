"""Reads a whole Entra ID: accounts and groups by their changes, roles, the bin, the organisation, and its extras."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from emberwatch.directories.base import DirectoryError, NotOffered
from emberwatch.directories.changes import (
    AccountChange,
    AccountNote,
    ApplicationFacts,
    Extra,
    GroupChange,
    LinkExpired,
    Page,
    RoleFacts,
)
from emberwatch.directories.entra import extras
from emberwatch.directories.entra.abilities import DELETED_ACCOUNTS
from emberwatch.directories.entra.applications import APPLICATIONS, application_of, is_opened_by_people
from emberwatch.directories.entra.applications import SELECT as APPLICATION_SELECT
from emberwatch.directories.entra.batch import Batches
from emberwatch.directories.entra.graph import (
    Graph,
    GraphReply,
    GraphRequest,
    NotInDirectory,
    UnsupportedQuery,
)
from emberwatch.directories.entra.groups import SELECT as GROUP_SELECT
from emberwatch.directories.entra.groups import group_changes, members_of, role_of
from emberwatch.directories.entra.tokens import AppTokens
from emberwatch.directories.entra.users import (
    DELTA_SELECT,
    SELECT,
    account_changes,
    deleted_account,
    whole_account,
)
from emberwatch.directories.entra.waits import pause_after

T = TypeVar("T")
# The most that Graph puts on one page of a list.
LARGEST_PAGE: Final = "999"
# With each comes a request of its own for those to whom it was given: a page is five batches.
_APPLICATIONS_ON_A_PAGE: Final = "100"
_WHOLE: Final = {"$select": SELECT, "$expand": "manager($select=id)"}
_BIN: Final = "/directory/deletedItems/microsoft.graph.user"
_DOMAIN_FIELDS: Final = (
    "id",
    "authenticationType",
    "isVerified",
    "isDefault",
    "isInitial",
    "passwordValidityPeriodInDays",
)


@dataclass(frozen=True, slots=True)
class EntraReader:
    """Implements :class:`emberwatch.directories.changes.Reader`."""

    graph: Graph
    batches: Batches
    tokens: AppTokens

    def account_changes(self, link: str) -> Page[AccountChange]:
        """Directories that tell no changes, such as those for customers, are listed as a whole each time."""
        begin = GraphRequest("/users/delta", {"$select": DELTA_SELECT})
        try:
            return self._page(begin, link, account_changes)
        except UnsupportedQuery:
            whole = GraphRequest("/users", {**_WHOLE, "$top": LARGEST_PAGE})
            return self._page(whole, link, account_changes)

    def accounts_of_group(self, group_id: UUID, link: str) -> Page[AccountChange]:
        path = f"/groups/{group_id}/transitiveMembers/microsoft.graph.user"
        params = {"$select": SELECT, "$top": LARGEST_PAGE, "$count": "true"}
        return self._page(GraphRequest(path, params, advanced=True), link, account_changes)

    def whole_accounts(self, object_ids: Sequence[UUID]) -> tuple[AccountChange, ...]:
        requests = [GraphRequest(f"/users/{each}", _WHOLE) for each in object_ids]
        return tuple(whole_account(body) for body in self._bodies(requests) if body is not None)

    def deleted_accounts(self, link: str) -> Page[AccountChange]:
        begin = GraphRequest(_BIN, {"$select": f"{SELECT},deletedDateTime", "$top": LARGEST_PAGE})
        try:
            return self._page(begin, link, lambda items: tuple(map(deleted_account, items)))
        except DirectoryError as error:
            raise DELETED_ACCOUNTS.refusal(error, self.tokens.roles()) from None

    def group_changes(self, link: str) -> Page[GroupChange]:
        begin = GraphRequest("/groups/delta", {"$select": GROUP_SELECT})
        try:
            return self._page(begin, link, group_changes)
        except UnsupportedQuery as error:
            raise NotOffered("This directory does not tell who is in which group.", code=error.code) from None

    def roles(self) -> tuple[RoleFacts, ...]:
        rows = list(self.graph.pages("/directoryRoles"))
        paths = [f"/directoryRoles/{row.get('id')}/members" for row in rows]
        lists = self._lists([GraphRequest(path, {"$select": "id"}) for path in paths])
        return tuple(
            role_of(row, members_of(items))
            for row, items in zip(rows, lists, strict=True)
            if items is not None
        )

    def applications(self, link: str) -> Page[ApplicationFacts]:
        begin = GraphRequest(
            "/servicePrincipals", {"$select": APPLICATION_SELECT, "$top": _APPLICATIONS_ON_A_PAGE}
        )
        try:
            return self._page(begin, link, self._applications)
        except LinkExpired:
            raise
        except DirectoryError as error:
            raise APPLICATIONS.refusal(error, self.tokens.roles()) from None

    def _applications(self, rows: Iterable[Mapping[str, Any]]) -> tuple[ApplicationFacts, ...]:
        opened = [row for row in rows if is_opened_by_people(row)]
        paths = [f"/servicePrincipals/{row.get('id')}/appRoleAssignedTo" for row in opened]
        lists = self._lists([GraphRequest(path, {"$top": LARGEST_PAGE}) for path in paths])
        return tuple(
            application_of(row, items) for row, items in zip(opened, lists, strict=True) if items is not None
        )

    def organisation(self) -> Mapping[str, Any]:
        [own] = self.graph.get(
            "/organization", {"$select": "id,displayName,tenantType,onPremisesSyncEnabled"}
        ).items[:1] or [{}]
        return {
            "name": str(own.get("displayName") or ""),
            "tenant_type": str(own.get("tenantType") or ""),
            "synced": own.get("onPremisesSyncEnabled") is True,
            "domains": [
                {name: row.get(name) for name in _DOMAIN_FIELDS} for row in self.graph.pages("/domains")
            ],
            "products": self._products(),
        }

    def _products(self) -> dict[str, str]:
        """Names of what is licensed, by the ids that accounts carry; without them the ids are all that is shown."""
        try:
            rows = list(self.graph.pages("/subscribedSkus"))
        except DirectoryError:
            return {}
        return {str(row.get("skuId") or ""): str(row.get("skuPartNumber") or "") for row in rows}

    def extra(self, which: Extra, link: str) -> Page[AccountNote]:
        service = extras.SERVICES[which]
        try:
            return self._page(service.begin, link, service.notes, service.seconds_between)
        except DirectoryError as error:
            raise service.ability.refusal(error, self.tokens.roles()) from None

    def _page(
        self,
        begin: GraphRequest,
        link: str,
        read: Callable[[Iterable[Mapping[str, Any]]], tuple[T, ...]],
        seconds_between: float | None = None,
    ) -> Page[T]:
        reply = self._reply(begin, link, seconds_between)
        pause = max(pause_after(reply.load), seconds_between or 0.0)
        return Page(read(reply.items), reply.next_link, reply.delta_link, pause, reply.units)

    def _reply(self, begin: GraphRequest, link: str, seconds_between: float | None) -> GraphReply:
        if not link:
            return self.graph.ask(begin, seconds_between)
        try:
            return self.graph.follow(link, advanced=begin.advanced, untold_wait=seconds_between)
        except UnsupportedQuery as error:
            # A link that the directory gave and takes no more is as good as an outworn one.
            raise LinkExpired(error.message, remedy=error.remedy, code=error.code) from None

    def _bodies(self, requests: Sequence[GraphRequest]) -> list[Mapping[str, Any] | None]:
        """An answer for each; ``None`` for what is not there. Any other refusal spoils all: nothing may be missed."""
        found: list[Mapping[str, Any] | None] = []
        for answer in self.batches.ask(requests):
            if isinstance(answer, GraphReply):
                found.append(answer.body)
            elif isinstance(answer, NotInDirectory):
                found.append(None)
            else:
                raise answer
        return found

    def _lists(self, requests: Sequence[GraphRequest]) -> list[Iterator[Mapping[str, Any]] | None]:
        """What each list holds, page after page; ``None`` for what is not there."""
        return [
            None if body is None else self._whole_list(GraphReply(body, ""))
            for body in self._bodies(requests)
        ]

    def _whole_list(self, reply: GraphReply) -> Iterator[Mapping[str, Any]]:
        yield from reply.items
        while reply.next_link:
            reply = self.graph.follow(reply.next_link)
            yield from reply.items
