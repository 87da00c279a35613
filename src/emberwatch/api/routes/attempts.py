"""The ledger of sign-ins, and the budget of one account."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema
from pydantic import WithJsonSchema

from emberwatch.api import rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.paging import Page, Paging
from emberwatch.api.routes.credentials import Moment
from emberwatch.api.shapes import AccountBudgetOut, AttemptOut, Id
from emberwatch.core.clock import utc_now
from emberwatch.core.verdict import Verdict
from emberwatch.validation.models import AttemptOrigin
from emberwatch.validation.proof import LedgerFilter, access_ledger, account_budget, ledger_page

router = Router(tags=["Attempts"])

# Left out means: any. The document must not offer `null`, which an address cannot carry.
_VERDICTS = WithJsonSchema({"type": "string", "enum": [verdict.value for verdict in Verdict]})
_ORIGINS = WithJsonSchema({"type": "string", "enum": list(AttemptOrigin.values)})
_MOMENT = WithJsonSchema({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]})


class LedgerQuery(Schema):
    """The filters of the page Attempts, under the same names."""

    account: str = Field(
        "", max_length=320, description="An object id, a sign-in name, or a login that leaked."
    )
    code: str = Field("", max_length=20, description="The directory's code.")
    verdict: Annotated[Verdict | None, _VERDICTS] = None
    origin: Annotated[AttemptOrigin | None, _ORIGINS] = None
    since: Annotated[Moment | None, _MOMENT] = Field(None, description="Reserved at or after this moment.")
    until: Annotated[Moment | None, _MOMENT] = Field(
        None, description="Reserved before this moment; a day includes all of it."
    )

    def filter(self) -> LedgerFilter:
        return LedgerFilter.from_query({name: str(value) for name, value in self if value})


@router.get(
    "/tenants/{tenant_id}/attempts", response=answers(200, Page[AttemptOut]), operation_id="list_attempts"
)
def list_attempts(
    request: HttpRequest, tenant_id: Id, wanted: Query[LedgerQuery], page: Query[Paging]
) -> Page[AttemptOut]:
    """Every sign-in that was sent to the tenant's directory, newest first, those of other workspaces too."""
    tenant = access_ledger(actor_of(request), tenant_id)
    found = ledger_page(tenant, wanted.filter(), cursor=page.cursor, limit=page.limit)
    items = [rendering.attempt(entry) for entry in found.entries]
    return Page[AttemptOut](items=items, next_cursor=found.next_cursor or None)


@router.get(
    "/tenants/{tenant_id}/accounts/{object_id}/budget",
    response=answers(200, AccountBudgetOut),
    operation_id="get_account_budget",
)
def get_account_budget(request: HttpRequest, tenant_id: Id, object_id: Id) -> AccountBudgetOut:
    """What the lockout rule leaves for an account that the tenant has met."""
    tenant = access_ledger(actor_of(request), tenant_id)
    return rendering.account_budget(account_budget(tenant, object_id, utc_now()))
