"""Writes groups, roles and who belongs to them, in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from emberwatch.core.ids import new_id
from emberwatch.directories.changes import GroupChange, Member, RoleFacts
from emberwatch.identities.models import Group, GroupMember, Identity
from emberwatch.identities.storing import Copy

_MEMBERS: Final = GroupMember._meta.db_table
_JOIN: Final = f"""
INSERT INTO {_MEMBERS}
  (tenant_id, entra_tenant_id, group_object_id, member_object_id, is_group, generation)
SELECT %s, %s, joined.group_id, joined.member_id, joined.is_group, %s
FROM unnest(%s::uuid[], %s::uuid[], %s::boolean[]) AS joined (group_id, member_id, is_group)
ORDER BY joined.group_id, joined.member_id
ON CONFLICT (tenant_id, entra_tenant_id, group_object_id, member_object_id)
DO UPDATE SET generation = EXCLUDED.generation, is_group = EXCLUDED.is_group
"""  # noqa: S608 - the table's name comes from the model
_LEAVE: Final = f"""
DELETE FROM {_MEMBERS} AS known USING unnest(%s::uuid[], %s::uuid[]) AS gone (group_id, member_id)
WHERE known.tenant_id = %s AND known.entra_tenant_id = %s
  AND known.group_object_id = gone.group_id AND known.member_object_id = gone.member_id
"""  # noqa: S608 - as above


@transaction.atomic
def store_groups(copy: Copy, changes: Sequence[GroupChange], generation: int) -> None:
    """Stores what was told about groups. Safe to repeat."""
    _describe(copy, [change for change in changes if not change.is_gone], generation)
    # In the order in which they were told: somebody may leave and join again on one page.
    for change in changes:
        if change.is_gone:
            _drop(copy, [change.object_id])
    _leave(copy, _pairs((change.object_id, change.left) for change in changes))
    _join(copy, _pairs((change.object_id, change.joined) for change in changes), generation)


def _pairs(lists: Iterable[tuple[UUID, Sequence[Member]]]) -> dict[tuple[UUID, UUID], bool]:
    return {
        (group_id, member.object_id): member.is_group for group_id, members in lists for member in members
    }


def _describe(copy: Copy, changes: Sequence[GroupChange], generation: int) -> None:
    known = {row.object_id: row for row in _groups(copy, [change.object_id for change in changes])}
    for change in changes:
        row = known.setdefault(change.object_id, _new_group(copy, change.object_id))
        row.name = change.told.get("name", row.name)
        row.privileged = change.told.get("privileged", row.privileged)
        row.generation = generation
    _save(known.values())


def _groups(copy: Copy, object_ids: Sequence[UUID]) -> Iterator[Group]:
    rows = Group.objects.select_for_update(no_key=True).filter(
        tenant_id=copy.tenant_id, entra_tenant_id=copy.entra_tenant_id, object_id__in=sorted(set(object_ids))
    )
    return iter(rows.order_by("object_id"))


def _new_group(copy: Copy, object_id: UUID) -> Group:
    return Group(
        id=new_id(), tenant_id=copy.tenant_id, entra_tenant_id=copy.entra_tenant_id, object_id=object_id
    )


def _save(rows: Iterable[Group]) -> None:
    Group.objects.bulk_create(
        sorted(rows, key=lambda row: row.object_id),
        update_conflicts=True,
        unique_fields=["tenant", "entra_tenant_id", "object_id"],
        update_fields=["name", "is_role", "template_id", "privileged", "generation"],
    )


def _join(copy: Copy, pairs: dict[tuple[UUID, UUID], bool], generation: int) -> None:
    if pairs:
        groups, members = zip(*pairs, strict=True)
        with connection.cursor() as cursor:
            members_now = [list(groups), list(members), list(pairs.values())]
            cursor.execute(_JOIN, [copy.tenant_id, copy.entra_tenant_id, generation, *members_now])


def _leave(copy: Copy, pairs: dict[tuple[UUID, UUID], bool]) -> None:
    if pairs:
        groups, members = zip(*pairs, strict=True)
        with connection.cursor() as cursor:
            cursor.execute(_LEAVE, [list(groups), list(members), copy.tenant_id, copy.entra_tenant_id])


def _drop(copy: Copy, object_ids: Sequence[UUID]) -> None:
    place = {"tenant_id": copy.tenant_id, "entra_tenant_id": copy.entra_tenant_id}
    Group.objects.filter(**place, object_id__in=object_ids).delete()
    GroupMember.objects.filter(**place, group_object_id__in=object_ids).delete()


@transaction.atomic
def sweep_groups(copy: Copy, generation: int) -> None:
    """Takes away what a full reading did not meet."""
    place = {"tenant_id": copy.tenant_id, "entra_tenant_id": copy.entra_tenant_id}
    Group.objects.filter(**place, is_role=False, generation__lt=generation).delete()
    roles = Group.objects.filter(**place, is_role=True).values("object_id")
    stale = GroupMember.objects.filter(**place, generation__lt=generation)
    stale.exclude(group_object_id__in=roles).delete()


def keep_members_in_scope(copy: Copy) -> None:
    """Of accounts outside of the group that is read, memberships are not kept either."""
    place = {"tenant_id": copy.tenant_id, "entra_tenant_id": copy.entra_tenant_id}
    ours = Identity.objects.filter(**place, removed_at=None).values("object_id")
    GroupMember.objects.filter(**place, is_group=False).exclude(member_object_id__in=ours).delete()


@transaction.atomic
def store_roles(copy: Copy, roles: Sequence[RoleFacts]) -> None:
    """Takes these for all active roles of the directory, with all who hold them directly."""
    place = {"tenant_id": copy.tenant_id, "entra_tenant_id": copy.entra_tenant_id}
    before = list(Group.objects.filter(**place, is_role=True).values_list("object_id", flat=True))
    present = [role.object_id for role in roles]
    Group.objects.filter(**place, is_role=True).exclude(object_id__in=present).delete()
    GroupMember.objects.filter(**place, group_object_id__in={*before, *present}).delete()
    _save([_role(copy, role) for role in roles])
    _join(copy, _pairs((role.object_id, role.members) for role in roles), 0)


def _role(copy: Copy, role: RoleFacts) -> Group:
    row = _new_group(copy, role.object_id)
    row.name, row.privileged = role.name, role.privileged
    row.is_role, row.template_id = True, role.template_id
    return row
