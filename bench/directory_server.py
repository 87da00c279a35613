"""The simulated directory of ``directory_sync``, in a process of its own: a line of JSON in, a line of JSON out."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Iterable
from typing import Any, Final

from emberwatch.simulator import (
    AppScenario,
    DeltaScenario,
    DirectoryScenario,
    DomainScenario,
    Scenario,
    SecretScenario,
    SimulatedEntra,
)
from tests.organisation import Days, parts
from tests.world import APP, DIRECTORY, SECRET

_SINGLE: Final = 4
"""One page each for the organisation, its domains and products, and the list of roles."""


def digest(rows: Iterable[tuple[Any, ...]]) -> str:
    told = hashlib.sha256()
    for row in rows:
        told.update(repr(row).encode())
    return told.hexdigest()


def _scenario(accounts: int, page: int) -> Scenario:
    app = AppScenario(
        client_id=APP,
        secrets=(SecretScenario(value=SECRET),),
        granted_roles=("Directory.Read.All",),
        consented_scopes=("openid",),
    )
    domain = DomainScenario(name="contoso.example", default=True)
    directory = DirectoryScenario(
        id=DIRECTORY,
        name="Bench",
        domains=(domain,),
        apps=(app,),
        delta=DeltaScenario(page=page),
        **parts(accounts),
    )
    return Scenario(directories=(directory,))


class _Served:
    def __init__(self, entra: SimulatedEntra, page: int) -> None:
        self._entra, self._page = entra, page
        self._days = Days(entra)
        self._seen = (0, 0)
        self._gone: set[str] = set()

    @property
    def _directory(self) -> Any:
        return self._entra.directory(DIRECTORY)

    def about(self) -> dict[str, Any]:
        entra = self._entra
        urls = {"LOGIN_URL": entra.url, "GRAPH_URL": entra.graph_url, "PORTAL_URL": entra.portal_url}
        return {
            **urls,
            "CA_FILE": str(entra.ca_file),
            "client_id": APP,
            "secret": SECRET,
            "directory": DIRECTORY,
        }

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["what"] == "churn":
            self._days.pass_by(int(asked["changes"]))
            return {}
        if asked["what"] == "forget requests":
            self._entra.journal.clear()
            return {}
        return self._requests() if asked["what"] == "requests" else self._truth()

    def _requests(self) -> dict[str, int]:
        """The least: every page of what there is to tell, and one request for each list that is a single page."""
        # The items of a batch have no time of their own.
        entries = self._entra.journal.entries(lambda e: e.path.startswith("/v1.0") and e.seconds > 0)
        directory = self._directory
        users, groups = directory.changes.last, directory.memberships.changes.last
        before, self._seen = self._seen, (users, groups)
        if before == (0, 0) and users == 0:
            accounts = sum(1 for _ in directory.present())
            told = len(list(directory.memberships.present_groups()))
        else:
            accounts = len({each.id for each in directory.changes.after(before[0], users)})
            told = len({each.id for each in directory.memberships.changes.after(before[1], groups)})
        gone = {each.id for each in directory.gone()}
        pages = sum(max(1, math.ceil(many / self._page)) for many in (accounts, told, len(gone)))
        # Changes do not tell the manager of an account that comes back; twenty are asked for at once.
        returned = math.ceil(sum(directory.is_present(each) for each in self._gone) / 20)
        self._gone = gone
        roles = math.ceil(len(directory.memberships.roles) / 20)
        principals = len(directory.apps) + 1
        # A page of them, and of each, twenty at once, to whom it was given.
        applications = math.ceil(principals / 100) + math.ceil(principals / 20)
        # Refusals of what needs a licence cost one request each: nobody can know before asking.
        return {"sent": len(entries), "least": pages + roles + returned + applications + _SINGLE + 3}

    def _truth(self) -> dict[str, Any]:
        directory = self._directory
        rows = sorted(
            (each.scenario.upn, each.properties["department"] or "", each.properties["accountEnabled"])
            for each in directory.present()
        )
        known = directory.memberships
        members = sum(1 for each in known.present_groups() for _ in known.members(each.id))
        held = sum(
            len([id_ for id_ in role.people if directory.is_present(id_)]) + len(role.holders)
            for role in known.roles.values()
        )
        return {"accounts": len(rows), "digest": digest(rows), "memberships": members + held}


def main(accounts: int, page: int) -> None:
    with SimulatedEntra(_scenario(accounts, page)) as entra:
        served = _Served(entra, page)
        print(json.dumps(served.about()), flush=True)
        for line in sys.stdin:
            print(json.dumps(served.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
