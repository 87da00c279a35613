"""What the check says of whole registrations, to the letter; and of each thing around a registration."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.clock import utc_now
from emberwatch.core.secret import Secret
from emberwatch.directories.base import CapabilityState, CheckItem, CheckReport, CheckState
from emberwatch.directories.entra.abilities import (
    CHANGE_GROUPS,
    CHANGE_PASSWORDS,
    DISABLE_ACCOUNTS,
    MARK_RISK,
    REVOKE_SESSIONS,
)
from emberwatch.directories.entra.capabilities import BASE
from emberwatch.directories.keys import KeyForm, file_in_base64, keys_of
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.services import (
    ConnectionForm,
    add_key,
    check_connection,
    open_directory,
    save_connection,
)
from emberwatch.simulator import (
    AppScenario,
    CertificateScenario,
    DomainScenario,
    FaultRule,
    SecretScenario,
    UserScenario,
)
from emberwatch.simulator import SimulatedEntra as Entra
from emberwatch.tenants.models import Tenant
from tests.factories import make_tenant
from tests.integration.conftest import StartEntra
from tests.unit.directories.keys import make_keys
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db

OK, WARNING, FAULT = CheckState.OK, CheckState.WARNING, CheckState.FAULT
GRANTED, MISSING = CapabilityState.GRANTED, CapabilityState.MISSING
OPTIONAL = ("AuditLog.Read.All", "IdentityRiskEvent.Read.All", "IdentityRiskyUser.Read.All")
CHANGES = [
    each.name for each in (REVOKE_SESSIONS, DISABLE_ACCOUNTS, CHANGE_PASSWORDS, MARK_RISK, CHANGE_GROUPS)
]
TOO_MUCH = (
    "Application.ReadWrite.All",
    "Directory.ReadWrite.All",
    "Mail.Read",
    "RoleManagement.ReadWrite.Directory",
    "User.ReadWrite.All",
)
ONE_DOMAIN = (DomainScenario(name="contoso.example", default=True),)
ENDS = utc_now() + timedelta(days=200, hours=1)
NETWORK = ["Way to the sign-in service", "Way to Microsoft Graph", "Clock"]


def app(**changes: object) -> AppScenario:
    """Registered as the set-up page says, with everything that it recommends."""
    fields: dict[str, object] = {
        "client_id": APP,
        "secrets": (SecretScenario(value=SECRET, expires=ENDS),),
        "granted_roles": ("Directory.Read.All",),
        "consented_scopes": ("openid",),
        "assignment_required": True,
    }
    return AppScenario(**(fields | changes))  # type: ignore[arg-type]


def start(start_entra: StartEntra, ours: AppScenario, *users: UserScenario, **changes: object) -> Entra:
    return start_entra(*users, **({"apps": (ours,), "domains": ONE_DOMAIN, "premium": True} | changes))


def checked(
    tenant: Tenant | None = None, key: KeyForm | None = None
) -> tuple[DirectoryConnection, CheckReport]:
    given = key or KeyForm(client_secret=Secret(SECRET))
    form = ConnectionForm(APP, DIRECTORY, "custom", given.client_secret, given)
    connection, report = save_connection(tenant or make_tenant(), form, actor=SYSTEM, now=utc_now())
    connection.refresh_from_db()
    return connection, report


def named(report: CheckReport, name: str) -> CheckItem:
    (found,) = [item for item in report.items if item.name == name]
    return found


def told(report: CheckReport) -> list[tuple[str, CheckState]]:
    return [(item.name, item.state) for item in report.items]


def capabilities(connection: DirectoryConnection) -> dict[str, str]:
    return {row["name"]: row["state"] for row in connection.capabilities}


BASE_NAMES = [row.name for row in BASE]


def test_right(start_entra: StartEntra) -> None:
    start(start_entra, app(granted_roles=("Directory.Read.All", *OPTIONAL)))
    connection, report = checked()
    today = utc_now()
    changes = [item for item in report.items if item.name in CHANGES]
    assert [(item.name, item.state) for item in changes] == [(name, WARNING) for name in CHANGES]
    assert all(item.sentence.startswith("Not granted: with ") for item in changes)
    items = [item for item in report.items[3:] if item not in changes]
    assert [(item.name, item.state, item.sentence) for item in items] == [
        ("Sign-in of the application", OK, "Entra ID accepts the client ID and secret."),
        (
            "Permissions",
            OK,
            "Granted: AuditLog.Read.All, Directory.Read.All, IdentityRiskEvent.Read.All, "
            "IdentityRiskyUser.Read.All.",
        ),
        ("Microsoft Graph", OK, "Connected to Contoso."),
        ("Domains", OK, "Every monitored domain is verified here: contoso.example."),
        ("Smart lockout", OK, "An account locks after 10 failed tries (Microsoft's default for this cloud)."),
        (
            "Leak detections",
            OK,
            "May be read: Microsoft's own findings of leaked passwords count as evidence.",
        ),
        ("Sign-in log", OK, "May be read: wrong passwords that others sent count towards the budget."),
        ("Last sign-ins", OK, "May be read: an account shows when somebody last signed in to it."),
        ("Registered methods", OK, "May be read: an account shows whether it has a second factor."),
        ("Risky accounts", OK, "May be read: an account shows the risk that Microsoft sees in it."),
        (
            "End of secrets and certificates",
            OK,
            f"The client secret added on {today:%Y-%m-%d} ends on {ENDS:%Y-%m-%d}, in 200 days.",
        ),
        (
            "No tokens for users",
            OK,
            "A right password ends without a token: the application requires assignment, and nobody is assigned.",
        ),
        (
            "Consent to sign-in",
            OK,
            "The delegated permission openid is consented for everybody: a right password is recognised.",
        ),
    ]
    assert told(report)[:3] == [(name, OK) for name in NETWORK]
    states = capabilities(connection)
    assert {states[name] for name in states if name not in CHANGES} == {GRANTED}
    assert (connection.surplus, connection.clock_seconds) == ([], 0)
    assert connection.status == ConnectionStatus.ACTIVE


def test_no_consent(start_entra: StartEntra) -> None:
    start(start_entra, app(granted_roles=(), consented_scopes=()))
    connection, report = checked()
    assert told(report) == [
        *((name, OK) for name in NETWORK),
        ("Sign-in of the application", OK),
        ("Permissions", FAULT),
    ]
    fault = report.fault
    assert fault is not None
    assert fault.sentence == "The application has no Microsoft Graph application permission."
    assert fault.remedy == (
        "Add Directory.Read.All under Application permissions. Entra admin center → App registrations → your app "
        "→ API permissions → Grant admin consent."
    )
    assert set(capabilities(connection).values()) == {MISSING}
    assert {row["permission"] for row in connection.capabilities if row["required"]} == {"Directory.Read.All"}
    assert connection.surplus == []
    assert connection.status == ConnectionStatus.ERROR


def test_no_directory_read_all(start_entra: StartEntra) -> None:
    start(start_entra, app(granted_roles=("User.Read.All", "AuditLog.Read.All")))
    connection, report = checked()
    assert told(report)[3:] == [("Sign-in of the application", OK), ("Permissions", FAULT)]
    fault = report.fault
    assert fault is not None
    assert fault.sentence == (
        "The application lacks the permission Directory.Read.All. Granted: AuditLog.Read.All, User.Read.All."
    )
    found = capabilities(connection)
    granted = {"Accounts", "Deleted accounts", "Sign-in log", "Last sign-ins", "Registered methods"}
    assert {name for name, state in found.items() if state == GRANTED} == granted
    assert {name for name, state in found.items() if state == MISSING} == set(found) - granted
    assert connection.surplus == []


def test_everything_granted(start_entra: StartEntra) -> None:
    start(start_entra, app(granted_roles=("Directory.Read.All", *OPTIONAL, *TOO_MUCH)))
    connection, report = checked()
    assert [each for each in told(report)[3:] if each[0] not in CHANGES] == [
        ("Sign-in of the application", OK),
        ("Permissions", OK),
        ("Microsoft Graph", OK),
        ("Domains", OK),
        ("Smart lockout", OK),
        ("Leak detections", OK),
        ("Sign-in log", OK),
        ("Last sign-ins", OK),
        ("Registered methods", OK),
        ("Risky accounts", OK),
        ("More than needed", WARNING),
        ("End of secrets and certificates", OK),
        ("No tokens for users", OK),
        ("Consent to sign-in", OK),
    ]
    assert named(report, "More than needed").sentence == (
        "The application holds what Emberwatch does not use: "
        "Application.ReadWrite.All, it can add secrets to applications and act as them; "
        "Directory.ReadWrite.All, it can change accounts, groups and applications; "
        "Mail.Read, it opens everybody's mail; "
        "RoleManagement.ReadWrite.Directory, it can make anybody an administrator; "
        "User.ReadWrite.All, it can change accounts."
    )
    assert [(row["permission"], row["instead"]) for row in connection.surplus] == [
        ("Application.ReadWrite.All", "Application.Read.All"),
        ("Directory.ReadWrite.All", "Directory.Read.All"),
        ("Mail.Read", ""),
        ("RoleManagement.ReadWrite.Directory", ""),
        ("User.ReadWrite.All", "User.Read.All"),
    ]
    states = capabilities(connection)
    assert {states[name] for name in states if name not in CHANGES} == {GRANTED}
    assert report.fault is None


@pytest.mark.parametrize(
    ("days", "state", "sentence"),
    [
        (200, OK, "in 200 days"),
        (31, OK, "in 31 days"),
        (29, WARNING, "in 29 days."),
        (8, WARNING, "in 8 days."),
        (6, WARNING, "in 6 days. Then nothing can be read or validated."),
        (1, WARNING, "in 1 day. Then nothing"),
        (0, WARNING, "within a day. Then nothing"),
    ],
)
def test_the_end_of_a_secret_is_warned_of(
    start_entra: StartEntra, days: int, state: CheckState, sentence: str
) -> None:
    ends = utc_now() + timedelta(days=days, hours=1)
    start(start_entra, app(secrets=(SecretScenario(value=SECRET, expires=ends),)))
    connection, report = checked()
    item = named(report, "End of secrets and certificates")
    assert (item.state, sentence in item.sentence) == (state, True), item.sentence
    assert f"{ends:%Y-%m-%d}" in item.sentence
    assert ("add it in Emberwatch beside the old one" in item.remedy) is (state is WARNING)
    kept = keys_of(connection)[0].ends_at
    assert kept is not None
    assert abs(kept - ends) < timedelta(seconds=1)


def test_a_certificates_end_is_known_without_the_registration(start_entra: StartEntra) -> None:
    keys = make_keys(now=utc_now(), ends=timedelta(days=20, hours=1))
    ours = app(secrets=(), certificates=(CertificateScenario(pem=keys.public_pem),), registered_here=False)
    start(start_entra, ours)
    _, report = checked(key=KeyForm(certificate=file_in_base64(keys.pfx())))
    item = named(report, "End of secrets and certificates")
    assert item.state is WARNING
    assert f"The certificate {keys.thumbprint[:8]}… ends on" in item.sentence
    assert "in 20 days." in item.sentence


def test_a_secrets_end_that_nobody_tells_is_said_to_be_unknown(start_entra: StartEntra) -> None:
    start(start_entra, app(registered_here=False))
    _, report = checked()
    item = named(report, "End of secrets and certificates")
    assert (item.state, item.sentence.endswith("ends is not known.")) == (WARNING, True)


def test_two_keys_have_a_line_each(start_entra: StartEntra) -> None:
    keys = make_keys(now=utc_now(), ends=timedelta(days=5, hours=1))
    start(start_entra, app(certificates=(CertificateScenario(pem=keys.public_pem),)))
    tenant = make_tenant()
    checked(tenant)
    report = add_key(tenant, KeyForm(certificate=file_in_base64(keys.pfx())), actor=SYSTEM, now=utc_now())
    ends = [item for item in report.items if item.name == "End of secrets and certificates"]
    assert [item.state for item in ends] == [WARNING, OK]
    assert named(report, "Sign-in of the application").sentence == (
        "Entra ID accepts the client ID, certificate and secret."
    )


@pytest.mark.parametrize(
    ("changes", "state", "sentence"),
    [
        ({"assignment_required": True}, OK, "and nobody is assigned."),
        ({"assignment_required": False}, WARNING, "assignment is not required."),
        (
            {"assignment_required": True, "assigned_users": ("ann@contoso.example",)},
            WARNING,
            "But Ann is assigned: their right passwords bring a token.",
        ),
        (
            {
                "assignment_required": True,
                "assigned_users": tuple(f"user{n}@contoso.example" for n in range(5)),
            },
            WARNING,
            "and 2 more are assigned",
        ),
    ],
)
def test_who_is_assigned(
    start_entra: StartEntra, changes: dict[str, object], state: CheckState, sentence: str
) -> None:
    people = [UserScenario(upn=f"user{n}@contoso.example", display_name=f"User {n}") for n in range(5)]
    ann = UserScenario(upn="ann@contoso.example", display_name="Ann")
    start(start_entra, app(**changes), ann, *people)
    item = named(checked()[1], "No tokens for users")
    assert (item.state, sentence in item.sentence) == (state, True), item.sentence


@pytest.mark.parametrize(
    ("scopes", "state", "sentence"),
    [
        (("openid",), OK, "is consented for everybody"),
        (("User.Read", "openid", "profile"), OK, "is consented for everybody"),
        (("User.Read",), WARNING, "Nobody has consented to the delegated permission openid"),
        ((), WARNING, "Nobody has consented to the delegated permission openid"),
    ],
)
def test_consent_to_sign_in(
    start_entra: StartEntra, scopes: tuple[str, ...], state: CheckState, sentence: str
) -> None:
    entra = start(start_entra, app(consented_scopes=scopes))
    item = named(checked()[1], "Consent to sign-in")
    assert (item.state, sentence in item.sentence) == (state, True), item.sentence
    link = f"{entra.url}/{DIRECTORY}/adminconsent?client_id={APP}"
    assert (link in item.remedy) is (state is WARNING)


def test_what_cannot_be_read_of_the_registration_is_said(start_entra: StartEntra) -> None:
    entra = start(start_entra, app())
    tenant = make_tenant()
    checked(tenant)
    entra.faults.add(FaultRule(where="/servicePrincipals", kind="5xx", status=501))
    report = check_connection(tenant, actor=SYSTEM)
    assert report.fault is None
    for name in ("No tokens for users", "Consent to sign-in"):
        assert "could not be read" in named(report, name).sentence
        assert named(report, name).state is WARNING


@pytest.mark.parametrize(
    ("ours", "state", "sentence"),
    [
        (timedelta(), OK, "agrees with the directory's"),
        (timedelta(minutes=4), WARNING, "4 minutes ahead of the directory's"),
        (timedelta(minutes=-4), WARNING, "4 minutes behind the directory's"),
    ],
)
def test_the_clocks_are_compared(
    start_entra: StartEntra, ours: timedelta, state: CheckState, sentence: str
) -> None:
    start(start_entra, app())
    tenant = make_tenant()
    connection, _ = checked(tenant)

    def clock() -> datetime:
        return utc_now() + ours

    report = check_connection(
        tenant, actor=SYSTEM, clock=clock, directory_for=lambda row: open_directory(row, clock)
    )
    item = named(report, "Clock")
    assert (item.state, sentence in item.sentence) == (state, True), item.sentence
    connection.refresh_from_db()
    assert connection.clock_seconds is not None
    assert abs(connection.clock_seconds - ours.total_seconds()) < 30


def test_a_licence_that_is_missing_leaves_the_rest_in_order(start_entra: StartEntra) -> None:
    start(start_entra, app(granted_roles=("Directory.Read.All", *OPTIONAL)), premium=False)
    connection, report = checked()
    assert named(report, "Sign-in log").sentence == "The directory's licence does not include this."
    rows = {row["name"]: row for row in connection.capabilities}
    for name in ("Leak detections", "Sign-in log", "Last sign-ins", "Registered methods", "Risky accounts"):
        assert rows[name]["state"] == CapabilityState.NOT_LICENSED
        assert rows[name]["reason"] == "The directory's licence does not include this."
        assert "Microsoft Entra ID P" in rows[name]["licence"]
    assert report.fault is None
