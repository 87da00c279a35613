"""Reads what a plan is decided on: the account, its groups and roles, our permissions, what is protected."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from emberwatch.directories.actions import ActionKind
from emberwatch.directories.base import AccountFacts, CapabilityState, Directory, DirectoryError, Memberships
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.registry import ABILITY_NAMES, LACKING
from emberwatch.identities.models import Group, GroupMember, Identity
from emberwatch.remediation.policy import Belonging, Target
from emberwatch.remediation.safeguards import safeguards

# How deep groups in groups are followed in the stored copy.
MOST_LEVELS = 10


def stored_target(
    connection: DirectoryConnection, identity: Identity, group_id: UUID | None = None
) -> Target:
    """By what was read before; asks the directory nothing. For what pages show."""
    return _target(connection, identity, _stored_belongings(identity), "", group_id)


def fresh_target(
    connection: DirectoryConnection, identity: Identity, directory: Directory, group_id: UUID | None = None
) -> Target:
    """By what the directory says now. Raises :class:`DirectoryError` when it does not tell of the account."""
    object_id = identity.object_id
    account = directory.read_accounts([object_id])[object_id]
    if isinstance(account, DirectoryError):
        raise account
    belongings, unread = _belongings(directory.read_memberships([object_id]).get(object_id))
    return _target(connection, _brought_up_to_date(identity, account), belongings, unread, group_id)


def _brought_up_to_date(identity: Identity, account: AccountFacts | None) -> Identity:
    """The same account with fresh facts, for this decision alone: storing them is the synchronisation's work."""
    fresh = Identity(
        object_id=identity.object_id,
        tenant_id=identity.tenant_id,
        entra_tenant_id=identity.entra_tenant_id,
        on_premises_sam=identity.on_premises_sam,
        on_premises_domain=identity.on_premises_domain,
        user_principal_name=account.user_principal_name if account else identity.user_principal_name,
        synced=account.synced if account else identity.synced,
        external=account.external if account else identity.external,
    )
    if account is None:
        fresh.removed_at = identity.removed_at or identity.read_at
    return fresh


def _belongings(found: Memberships | DirectoryError | None) -> tuple[tuple[Belonging, ...], str]:
    if isinstance(found, Memberships):
        told = (Belonging(each.key, each.name, each.is_role, each.privileged) for each in found.memberships)
        return tuple(told), ""
    return (), found.message if found is not None else "The directory did not tell."


def _stored_belongings(identity: Identity) -> tuple[Belonging, ...]:
    place = {"tenant_id": identity.tenant_id, "entra_tenant_id": identity.entra_tenant_id}
    found: set[UUID] = set()
    above = {identity.object_id}
    for _ in range(MOST_LEVELS):
        rows = GroupMember.objects.filter(**place, member_object_id__in=above)
        above = set(rows.values_list("group_object_id", flat=True)) - found
        if not above:
            break
        found |= above
    groups = Group.objects.filter(**place, object_id__in=found).order_by("name", "pk")
    return tuple(_belonging(row) for row in groups)


def _belonging(row: Group) -> Belonging:
    key = row.template_id if row.is_role and row.template_id else row.object_id
    return Belonging(str(key), row.name or str(key), row.is_role, row.privileged)


def _target(
    connection: DirectoryConnection,
    identity: Identity,
    belongings: tuple[Belonging, ...],
    unread: str,
    group_id: UUID | None,
) -> Target:
    lacking = LACKING[connection.kind]
    needed = {kind: lacking(kind, connection.permissions) for kind in ActionKind}
    return Target(
        object_id=str(identity.object_id),
        user_principal_name=identity.user_principal_name,
        synced=identity.synced,
        external=identity.external,
        gone=identity.is_gone,
        belongings=belongings,
        unread=unread,
        protected=safeguards().protected_of(connection.entra_tenant_id),
        lacking={kind: name for kind, name in needed.items() if name},
        refused=_refused(connection),
        on_premises_name=_on_premises_name(identity),
        group=_group(identity, group_id) if group_id else None,
    )


def _refused(connection: DirectoryConnection) -> dict[ActionKind, str]:
    """What the last check found that the directory does not offer, though the permission is there."""
    reasons = {
        row["name"]: row.get("reason", "")
        for row in connection.capabilities
        if row["state"] in (CapabilityState.NOT_LICENSED, CapabilityState.NOT_IN_CLOUD)
    }
    names = ABILITY_NAMES[connection.kind]
    return {kind: reasons[name] for kind, name in names.items() if reasons.get(name)}


def _on_premises_name(identity: Identity) -> str:
    domain, sam = identity.on_premises_domain, identity.on_premises_sam
    return f"{domain}\\{sam}" if domain and sam else ""


def _group(identity: Identity, group_id: UUID) -> Belonging:
    row = Group.objects.filter(
        tenant_id=identity.tenant_id, entra_tenant_id=identity.entra_tenant_id, object_id=group_id
    ).first()
    return (
        _belonging(row) if row else Belonging(str(group_id), str(group_id), is_role=False, privileged=False)
    )


def choosable_groups(identity: Identity) -> Iterable[Group]:
    """The groups of the stored copy that an account may be put into, by name."""
    rows = Group.objects.filter(
        tenant_id=identity.tenant_id,
        entra_tenant_id=identity.entra_tenant_id,
        is_role=False,
        privileged=False,
    )
    return rows.order_by("name", "pk")[:200]
