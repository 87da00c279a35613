"""A simulated Microsoft Entra ID and Graph: a small real server with state, for the demo and the tests.

How it hangs together, in reading order::

    scenario.py        what a world holds, frozen data          loader.py     the same from JSON or TOML
      scenario_people.py, scenario_apps.py, scenario_base.py; scenario_check.py refuses what cannot be
      population.py    accounts by the hundred thousand         clock.py      time that tests move
    state.py           the living world: users, apps, locks     changes.py    what changed, in order
      account_book.py, accounts.py, user_properties.py          memberships.py, managers.py, apps.py
    service.py         routing table, faults, journal           server.py     TLS, HTTP/1.1, start and stop
    token_endpoint.py  authority → request → client → grant     codes.py      every sign-in code as a row
    password_grant.py  the order of checks, as a table          lockout.py    smart lockout, a pure function
    client_auth.py     secrets and certificate assertions       federated.py  tokens of foreign issuers
    discovery.py       OIDC, instance, user realm               others.py     sign-ins of clients not ours
    graph.py           token, limits, permission gate           graph_routes.py  the routes as a table
    graph_delta.py     rounds of changes: delta_query.py what is asked, delta_tokens.py where it stands
    graph_users.py, graph_managers.py, graph_memberships.py, graph_licences.py, graph_applications.py,
    graph_directory.py answers                                  permissions.py   Graph's own permissions
    graph_account_writes.py, graph_risk_writes.py, graph_member_writes.py  what changes things through Graph:
      graph_write_bodies.py what is asked, writes.py and late_writes.py when it shows,
      password_rules.py, directory_roles.py, on_premises.py who forbids it or puts it back
    graph_registration.py, graph_risk.py, graph_risky_users.py, graph_sign_ins.py  the reports
    graph_batch.py     twenty requests in one                   sign_in_log.py   what is told of sign-ins
    graph_query.py     select, filter, order, pages             odata_filter.py, graph_objects.py
    faults.py          latency, 401, 429, 5xx, cuts, hangs      journal.py    who asked what, without secrets
    control.py         the same switches over HTTP              portal.py     where deep links lead
    churn.py           random changes, and the truth after them

Use::

    with SimulatedEntra(scenario) as entra:
        entra.url, entra.graph_url, entra.portal_url, entra.ca_file
        entra.clock.advance(60)
        entra.faults.add(FaultRule(where="token", kind="drop_after", count=1))
        entra.faults.replace(turbulence(0.2))      # a fifth of Graph's replies throttled, refused or lost
        entra.world.end_tokens()                   # every token given so far has expired
        entra.directory("corp.example").change_user("ann@corp.example", enabled=False)
        entra.directory("corp.example").memberships.join(group_id, user_id)
        entra.directory("corp.example").reset_delta()
        churn(entra.directory("corp.example"), 1000, seed=7)
        truth(entra.directory("corp.example"), ("id", "userPrincipalName"))
        entra.journal.attempts_for("ann@corp.example"), entra.journal.counts()
        entra.journal.write_counts()               # by account, kind and status; also entra.journal.writes(id)
        entra.faults.replace(turbulence(0.2, where="write"))
        sync(entra.directory("corp.example"))      # undoes what Graph wrote to synced accounts
        entra.directory("corp.example").detect(RiskDetectionScenario(upn="ann@corp.example", detected=…))
        sign_in_as_others(entra.directory("corp.example"), "ann@corp.example", "their guess")
        entra.world.locks_by([client_id])          # locks that our own failures helped to cause
        entra.world.locks_by_alone([client_id])    # locks that nobody else had a part in

It imports nothing of Emberwatch but ``core``, and nothing of Emberwatch but the demo command imports it.
"""

from emberwatch.simulator.churn import churn, truth
from emberwatch.simulator.clock import SimClock
from emberwatch.simulator.faults import FaultRule, turbulence
from emberwatch.simulator.loader import load_scenario, scenario_from
from emberwatch.simulator.on_premises import put_back, sync
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
    PopulationScenario,
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
    "PopulationScenario",
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
    "churn",
    "load_scenario",
    "put_back",
    "scenario_from",
    "sign_in_as_others",
    "stable_id",
    "sync",
    "truth",
    "turbulence",
]
