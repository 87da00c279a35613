"""What an account opens: roles and groups, also through other groups, and applications."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from emberwatch.identities.models import Application, ApplicationOpening, Group, GroupMember, Identity


class Kind(StrEnum):
    ROLE = "role"
    GROUP = "group"
    APPLICATION = "application"

    @property
    def label(self) -> str:
        return self.value.capitalize()


@dataclass(frozen=True, slots=True)
class Opened:
    """``via``: the group that gives it, where the account does not have it itself."""

    kind: Kind
    object_id: UUID
    name: str
    privileged: bool
    detail: str = ""
    """A role's template id, or what the account is in an application."""
    via: UUID | None = None
    via_name: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    opened: tuple[Opened, ...]
    """The most important first: what is privileged, roles before the rest, then what the account has itself."""
    open_to_all: int = 0
    """Applications that open for every account, so that they say nothing about this one."""

    def of(self, kind: Kind) -> tuple[Opened, ...]:
        return tuple(each for each in self.opened if each.kind is kind)

    @property
    def privileges(self) -> tuple[Opened, ...]:
        """Privileged roles, and groups to which such roles may be assigned."""
        return tuple(each for each in self.opened if each.privileged and each.kind is not Kind.APPLICATION)


_ORDER: Final = (Kind.ROLE, Kind.APPLICATION, Kind.GROUP)


def reach_of(identity: Identity) -> Reach:
    """Everything that the account opens, as far as the directory was read."""
    place = {"tenant_id": identity.tenant_id, "entra_tenant_id": identity.entra_tenant_id}
    ways = _ways(place, identity.object_id)
    groups = list(Group.objects.filter(**place, object_id__in=list(ways)))
    names = {row.object_id: row.name or str(row.object_id) for row in groups}
    direct = [object_id for object_id, via in ways.items() if via is None]
    opened = [*_groups(groups, ways, names), *_applications(place, identity.object_id, direct, names)]
    everybody = Application.objects.filter(**place, open_to_all=True, enabled=True)
    return Reach(tuple(sorted(opened, key=_importance)), everybody.count())


def _ways(place: Mapping[str, UUID], object_id: UUID) -> dict[UUID, UUID | None]:
    """Groups and roles of an account with the group through which it is in them; ``None`` where it is so itself."""
    ways: dict[UUID, UUID | None] = {}
    within: dict[UUID, UUID | None] = {object_id: None}
    while within:
        rows = GroupMember.objects.filter(**place, member_object_id__in=list(within))
        pairs = rows.order_by("group_object_id", "member_object_id")
        found = pairs.values_list("group_object_id", "member_object_id")
        # A group may be inside of itself, by a detour: what is known already is not followed again.
        fresh = {group: member for group, member in found if group not in ways}
        ways |= {group: None if member == object_id else member for group, member in fresh.items()}
        within = dict(fresh)
    return ways


def _groups(
    rows: Iterable[Group], ways: Mapping[UUID, UUID | None], names: Mapping[UUID, str]
) -> Iterator[Opened]:
    for row in rows:
        via = ways[row.object_id]
        yield Opened(
            Kind.ROLE if row.is_role else Kind.GROUP,
            row.object_id,
            names[row.object_id],
            row.privileged,
            str(row.template_id or ""),
            via,
            names.get(via, str(via)) if via else "",
        )


def _applications(
    place: Mapping[str, UUID], object_id: UUID, direct: Sequence[UUID], names: Mapping[UUID, str]
) -> Iterator[Opened]:
    """Of a group, only its direct members get its applications; groups inside of it do not."""
    rows = ApplicationOpening.objects.filter(**place, principal_object_id__in=[object_id, *direct])
    given: dict[UUID, list[ApplicationOpening]] = {}
    for row in rows.order_by("id"):
        given.setdefault(row.application_object_id, []).append(row)
    for application in Application.objects.filter(**place, object_id__in=list(given), enabled=True):
        openings = given[application.object_id]
        own = any(each.principal_object_id == object_id for each in openings)
        via = None if own else min(each.principal_object_id for each in openings)
        yield Opened(
            Kind.APPLICATION,
            application.object_id,
            application.name or str(application.object_id),
            application.privileged or any(each.privileged for each in openings),
            ", ".join(sorted({each.role for each in openings if each.role})),
            via,
            names.get(via, str(via)) if via else "",
        )


def _importance(each: Opened) -> tuple[Any, ...]:
    return (
        not each.privileged,
        _ORDER.index(each.kind),
        each.via is not None,
        each.name.casefold(),
        each.object_id,
    )
