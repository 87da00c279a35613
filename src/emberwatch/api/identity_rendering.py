"""From identities and their profiles to the shapes of the API."""

from __future__ import annotations

from dataclasses import asdict

from emberwatch.api.identity_shapes import (
    EventOut,
    IdentityDetailOut,
    IdentityListedOut,
    ManagerOut,
    OpenedOut,
    PersonMachineOut,
    ReachOut,
    SeverityOut,
    UnknownOut,
)
from emberwatch.api.rendering import credential, filled
from emberwatch.exposures.profile import Profile
from emberwatch.exposures.queries import account_link
from emberwatch.identities.browsing import Listed
from emberwatch.identities.reach import Reach
from emberwatch.identities.severity import Severity
from emberwatch.tenants.policy import Permission


def identity_listed(row: Listed) -> IdentityListedOut:
    counts = {"is_privileged": row.is_privileged, "credentials": row.credentials, "active": row.active}
    return filled(IdentityListedOut, row.identity, **counts)


def identity_detail(profile: Profile, permissions: frozenset[Permission]) -> IdentityDetailOut:
    return filled(
        IdentityDetailOut,
        profile.identity,
        manager=filled(ManagerOut, profile.manager) if profile.manager else None,
        licences=profile.licences,
        unknown=[
            UnknownOut(stage=stage, because=why.because, remedy=why.remedy)
            for stage, why in profile.unknown.items()
        ],
        user_link=account_link(profile.identity) or None,
        severity=_severity(profile.severity),
        reach=_reach(profile.reach),
        credential_counts=profile.credential_counts,
        credentials=[credential(row, permissions) for row in profile.credentials],
        machines=[filled(PersonMachineOut, machine) for machine in profile.machines],
        timeline=[filled(EventOut, event) for event in profile.timeline],
    )


def _severity(found: Severity) -> SeverityOut:
    return SeverityOut.model_validate(asdict(found))


def _reach(found: Reach) -> ReachOut:
    return ReachOut(opened=[filled(OpenedOut, each) for each in found.opened], open_to_all=found.open_to_all)
