"""A simulated Microsoft Entra ID and Graph: a small real server with state, for the demo and the tests.

How it hangs together, in reading order::

    scenario.py        what a world holds, frozen data          loader.py     the same from JSON or TOML
    state.py           the living world: users, apps, locks     clock.py      time that tests move
    service.py         routing table, faults, journal           server.py     TLS, HTTP/1.1, start and stop
    token_endpoint.py  authority → request → client → grant     codes.py      every sign-in code as a row
    password_grant.py  the order of checks, as a table          lockout.py    smart lockout, a pure function
    client_auth.py     secrets and certificate assertions       discovery.py  OIDC, instance, user realm
    graph.py           routes with permissions and cost         graph_users.py, graph_directory.py: answers
    graph_batch.py     twenty requests in one          others.py     sign-ins of clients that are not ours
    graph_memberships.py  groups and directory roles
    graph_risk.py, graph_sign_ins.py   the two reports   sign_in_log.py   what they tell of sign-ins
    graph_query.py     select, filter, order, pages             odata_filter.py, graph_objects.py
    faults.py          latency, 429, 5xx, cuts, hangs           journal.py    who asked what, without secrets
    control.py         the same switches over HTTP              portal.py     where deep links lead

Use::

    with SimulatedEntra(scenario) as entra:
        entra.url, entra.graph_url, entra.portal_url, entra.ca_file
        entra.clock.advance(60)
        entra.faults.add(FaultRule(where="token", kind="drop_after", count=1))
        entra.directory("corp.example").change_user("ann@corp.example", enabled=False)
        entra.journal.attempts_for("ann@corp.example")
        entra.directory("corp.example").detect(RiskDetectionScenario(upn="ann@corp.example", detected=…))
        sign_in_as_others(entra.directory("corp.example"), "ann@corp.example", "their guess")
        entra.world.locks_by([client_id])          # locks that our own failures helped to cause
        entra.world.locks_by_alone([client_id])    # locks that nobody else had a part in

It imports nothing of Emberwatch but ``core``, and nothing of Emberwatch but the demo command imports it.
"""

from emberwatch.simulator.clock import SimClock
from emberwatch.simulator.faults import FaultRule
from emberwatch.simulator.loader import load_scenario, scenario_from
from emberwatch.simulator.others import sign_in_as_others
from emberwatch.simulator.scenario import (
    AppRoleScenario,
    AppScenario,
    CertificateScenario,
    Cloud,
    DeltaScenario,
    DirectoryScenario,
    DomainScenario,
    FederatedScenario,
    GroupScenario,
    PlanScenario,
    RiskDetectionScenario,
    RiskScenario,
    RoleScenario,
    Scenario,
    ScenarioError,
    ScriptedAnswer,
    SecretScenario,
    SkuScenario,
    UserScenario,
    stable_id,
)
from emberwatch.simulator.server import SimulatedEntra

__all__ = [
    "AppRoleScenario",
    "AppScenario",
    "CertificateScenario",
    "Cloud",
    "DeltaScenario",
    "DirectoryScenario",
    "DomainScenario",
    "FaultRule",
    "FederatedScenario",
    "GroupScenario",
    "PlanScenario",
    "RiskDetectionScenario",
    "RiskScenario",
    "RoleScenario",
    "Scenario",
    "ScenarioError",
    "ScriptedAnswer",
    "SecretScenario",
    "SimClock",
    "SimulatedEntra",
    "SkuScenario",
    "UserScenario",
    "load_scenario",
    "scenario_from",
    "sign_in_as_others",
    "stable_id",
]
