"""The rows of ``--json`` about identities: the same field names as the API's."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from emberwatch.cli import records
from emberwatch.exposures.profile import Profile
from emberwatch.exposures.queries import account_link
from emberwatch.identities.browsing import Listed

_LISTED: Final = ("department", "external", "is_gone", "last_successful_sign_in_at")
_DETAIL: Final = (
    "is_gone",
    "external",
    "department",
    "job_title",
    "sessions_valid_from_at",
    "deleted_at",
    "last_sign_in_at",
    "last_successful_sign_in_at",
    "mfa_registered",
    "mfa_methods",
    "risk_level",
    "risk_state",
    "risk_updated_at",
)
_MANAGER: Final = ("id", "object_id", "user_principal_name", "display_name")
_MACHINE: Final = ("id", "name", "family", "infected_at", "credential_count", "live_cookie_count")


def listed(row: Listed) -> dict[str, Any]:
    counts = {"is_privileged": row.is_privileged, "credentials": row.credentials, "active": row.active}
    return records.identity(row.identity) | records.fields(row.identity, _LISTED) | counts


def detail(profile: Profile) -> dict[str, Any]:
    row = profile.identity
    rest = {
        "manager": records.fields(profile.manager, _MANAGER) if profile.manager else None,
        "licences": profile.licences,
        "unknown": [
            {"stage": stage, "because": why.because, "remedy": why.remedy}
            for stage, why in profile.unknown.items()
        ],
        "user_link": account_link(row) or None,
        "severity": asdict(profile.severity),
        "reach": {
            "opened": [asdict(each) for each in profile.reach.opened],
            "open_to_all": profile.reach.open_to_all,
        },
        "credential_counts": profile.credential_counts,
        "credentials": [records.credential(each) for each in profile.credentials],
        "machines": [records.fields(each, _MACHINE) for each in profile.machines],
        "timeline": [asdict(each) for each in profile.timeline],
    }
    return records.identity(row) | records.fields(row, _DETAIL) | rest
