"""From alerts to what a message says of each: words and links, never a password and never a mask of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from emberwatch.alerts.models import Alert
from emberwatch.alerts.policy import Fact
from emberwatch.alerts.reaching import page_url
from emberwatch.channels.base import Item
from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.queries import connections_of
from emberwatch.directories.services import user_link
from emberwatch.exposures.models import Credential, DateBasis, Sighting, SourceKind
from emberwatch.identities.models import Identity
from emberwatch.identities.severity import Level

_BECAUSE: Final[Mapping[str, str]] = {
    Certainty.PROVED: "proved: the directory answered",
    Certainty.LIKELY: "likely: inferred from a date or a rule",
}
# The facts that the list of credentials can be narrowed to.
_GROUPS: Final[Mapping[str, VerdictGroup]] = {
    Fact.ACTIVE: VerdictGroup.ACTIVE,
    Fact.NOT_ACTIVE: VerdictGroup.NOT_ACTIVE,
}


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read once for all items of a message."""

    directories: Mapping[UUID, DirectoryConnection]
    sources: Mapping[UUID, str]
    identities: Mapping[str, Identity]


def items_of(tenant_id: UUID, alerts: Sequence[Alert]) -> tuple[Item, ...]:
    """In the order of the alerts, which bring their credentials and accounts with them."""
    known = _Known(
        {each.entra_tenant_id: each for each in connections_of(tenant_id)},
        _source_names([alert.credential_id for alert in alerts if alert.credential_id]),
        _identities(tenant_id, alerts),
    )
    return tuple(_item(alert, known) for alert in alerts)


def _source_names(credential_ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = Sighting.objects.filter(credential_id__in=credential_ids).order_by(
        "credential_id", "-seen_at", "-id"
    )
    return dict(rows.distinct("credential_id").values_list("credential_id", "source__name"))


def _identities(tenant_id: UUID, alerts: Iterable[Alert]) -> dict[str, Identity]:
    wanted = [alert.told["identity_id"] for alert in alerts if alert.told.get("identity_id")]
    return {str(row.pk): row for row in Identity.objects.filter(tenant_id=tenant_id, pk__in=wanted)}


def _item(alert: Alert, known: _Known) -> Item:
    if alert.credential is None:
        return _of_told(alert, known)
    row = alert.credential
    return Item(
        id=str(alert.pk),
        fact=alert.fact,
        title=f"{Fact(alert.fact).label}: {row.login}",
        severity=alert.severity,
        at=_iso(alert.at),
        reasons=tuple(alert.reasons),
        facts=tuple(_facts(alert, row, known)),
        data=_data(row, known),
        link=page_url(reverse("credential", args=[row.tenant_id, row.pk])),
        account_link=_account_link(row.identity, known),
    )


def _facts(alert: Alert, row: Credential, known: _Known) -> Iterator[tuple[str, str]]:
    verdict = Verdict(row.verdict)
    yield "Login", row.login
    if row.identity is not None:
        yield "Identity", _named(row.identity)
    label = (
        verdict.label if verdict.label == verdict.group.label else f"{verdict.group.label}, {verdict.label}"
    )
    yield "Verdict", f"{label} ({_BECAUSE[row.certainty]})" if row.certainty in _BECAUSE else label
    yield "Severity", Level(alert.severity).label
    source = SourceKind(row.source_kind).label
    name = known.sources.get(row.pk, "")
    yield "Source", f"{source}: {name}" if name else source
    if row.leaked_at is not None:
        basis = f" ({DateBasis(row.leaked_at_basis).label.lower()})" if row.leaked_at_basis else ""
        yield "Leaked", f"{_day(row.leaked_at)}{basis}"
    yield "First seen", _day(row.first_seen_at)
    if row.verdict_at is not None:
        yield "Verdict of", f"{row.verdict_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _data(row: Credential, known: _Known) -> dict[str, str]:
    identity = row.identity
    found = {
        "credential_id": str(row.pk),
        "login": row.login,
        "domain": row.domain,
        "verdict": row.verdict,
        "verdict_group": row.verdict_group,
        "certainty": row.certainty,
        "verdict_at": _iso(row.verdict_at),
        "source_kind": row.source_kind,
        "source_name": known.sources.get(row.pk, ""),
        "leaked_at": _iso(row.leaked_at),
        "first_seen_at": _iso(row.first_seen_at),
        "last_seen_at": _iso(row.last_seen_at),
    }
    if identity is not None:
        found |= {
            "identity": identity.user_principal_name,
            "identity_name": identity.display_name,
            "identity_object_id": str(identity.object_id),
            "entra_tenant_id": str(identity.entra_tenant_id),
        }
    return found


def _of_told(alert: Alert, known: _Known) -> Item:
    told = alert.told
    identity = known.identities.get(told.get("identity_id", ""))
    who = (("Identity", _named(identity)),) if identity is not None else ()
    return Item(
        id=str(alert.pk),
        fact=alert.fact,
        title=told.get("title", Fact(alert.fact).label),
        severity=alert.severity,
        at=_iso(alert.at),
        reasons=tuple(alert.reasons),
        facts=(*who, *((label, value) for label, value in told.get("facts", ()) if value)),
        data={
            **told.get("data", {}),
            **({"identity": identity.user_principal_name} if identity is not None else {}),
        },
        link=page_url(told.get("path", "")),
        account_link=_account_link(identity, known),
    )


def _named(identity: Identity) -> str:
    if not identity.display_name:
        return identity.user_principal_name
    return f"{identity.display_name} ({identity.user_principal_name})"


def _account_link(identity: Identity | None, known: _Known) -> str:
    if identity is None or identity.entra_tenant_id not in known.directories:
        return ""
    return user_link(known.directories[identity.entra_tenant_id], identity.object_id)


def title_of(tenant: str, counts: Mapping[str, int], only: Item | None) -> str:
    """Of a message: what happened, or how much of it."""
    if only is not None:
        return f"{only.title} ({tenant})"
    parts = [f"{number:,} × {Fact(fact).label}" for fact, number in counts.items()]
    return f"{', '.join(parts)} ({tenant})"


def list_link(tenant_id: UUID, counts: Mapping[str, int]) -> str:
    """The list of credentials, narrowed to what the message is about where it is about one thing."""
    path = reverse("feed", args=[tenant_id])
    group = _GROUPS.get(next(iter(counts))) if len(counts) == 1 else None
    return page_url(f"{path}?{urlencode({'group': group.value})}" if group else path)


def _iso(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else ""


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d}"
