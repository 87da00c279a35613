"""A few people of one directory of whom everything is known: rich, empty, disabled guest, with very long names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from emberwatch.simulator import (
    AppRoleScenario,
    AppScenario,
    GroupScenario,
    RiskScenario,
    RoleScenario,
    SecretScenario,
    SkuScenario,
    UserScenario,
    stable_id,
)
from tests.world import APP, RIGHT, SECRET

BEGIN: Final = datetime(2026, 1, 10, 8, 0, tzinfo=UTC)
GLOBAL_ADMINISTRATOR: Final = "62e90394-69f5-4237-9190-012177145e10"
DIRECTORY_READERS: Final = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
CORA: Final = "cora@contoso.example"
BOSS: Final = "boss@contoso.example"
EMPTY: Final = "new.starter@contoso.example"
GUEST: Final = "pat_partner.example#EXT#@contoso.example"
LONG: Final = f"{'wolfeschlegelsteinhausen' * 2}.bergerdorff-of-the-department@contoso.example"
MANY: Final = 3000


def connected(*permissions: str) -> AppScenario:
    return AppScenario(
        client_id=APP,
        secrets=(SecretScenario(value=SECRET),),
        granted_roles=("Directory.Read.All", *permissions),
        consented_scopes=("openid",),
    )


def users() -> tuple[UserScenario, ...]:
    return (
        UserScenario(
            upn=CORA,
            display_name="Cora Controller",
            mail=CORA,
            password=RIGHT,
            manager=BOSS,
            licences=("SPE_E5",),
            risk=RiskScenario(level="high", state="atRisk", updated=BEGIN + timedelta(days=70)),
            created=BEGIN - timedelta(days=900),
            last_password_change=BEGIN - timedelta(days=300),
            last_sign_in=BEGIN + timedelta(days=60),
            last_successful_sign_in=BEGIN + timedelta(days=60),
            properties={"department": "Finance", "jobTitle": "Controller"},
        ),
        UserScenario(upn=BOSS, display_name="Boss of Contoso", methods=("microsoftAuthenticatorPush",)),
        UserScenario(upn=EMPTY),
        UserScenario(
            upn=GUEST,
            display_name="Pat Partner",
            mail="pat@partner.example",
            enabled=False,
            user_type="Guest",
            created=BEGIN - timedelta(days=30),
        ),
        UserScenario(
            upn=LONG,
            display_name="Wolfeschlegelsteinhausenbergerdorff " * 3,
            last_successful_sign_in=BEGIN - timedelta(days=500),
            properties={
                "department": "Department of the Coordination of Interdepartmental Coordination " * 2
            },
        ),
    )


def groups() -> tuple[GroupScenario, ...]:
    return (
        GroupScenario(display_name="Finance", members=(CORA, BOSS)),
        GroupScenario(display_name="Whole firm", groups=("Finance",)),
        GroupScenario(display_name="Tier-0 admins", assignable_to_role=True, members=(CORA,)),
        *(
            GroupScenario(
                display_name=f"Distribution list number {n:02} with quite a long name", members=(LONG,)
            )
            for n in range(40)
        ),
    )


def roles() -> tuple[RoleScenario, ...]:
    return (
        RoleScenario(
            template_id=GLOBAL_ADMINISTRATOR, display_name="Global Administrator", groups=("Tier-0 admins",)
        ),
        RoleScenario(template_id=DIRECTORY_READERS, display_name="Directory Readers", members=(CORA, LONG)),
    )


def applications() -> tuple[AppScenario, ...]:
    def other(name: str, **facts: Any) -> AppScenario:
        own = {"client_id": stable_id(f"app {name}"), "registered_here": False, "assignment_required": True}
        return AppScenario(**{**own, "display_name": name, **facts})

    admin = AppRoleScenario(value="Payroll.Admin", display_name="Payroll administrator")
    return (
        other("Payroll", app_roles=(admin,), assigned_role="Payroll.Admin", assigned_users=(CORA,)),
        other("Ledger", assigned_groups=("Finance",)),
        # Given to the members of a group around another one: those of the inner group do not get it.
        other("Intranet of the firm", assigned_groups=("Whole firm",)),
        other("Wiki", assignment_required=False),
        other("Retired", assigned_users=(CORA,), disabled=True),
        other("Vault"),
    )


def parts(*permissions: str, **directory: Any) -> dict[str, Any]:
    """The fields of a directory with these people."""
    return {
        "users": users(),
        "groups": groups(),
        "roles": roles(),
        "skus": (SkuScenario(part_number="SPE_E5"),),
        "apps": (connected(*permissions), *applications()),
        **directory,
    }
