"""Sign-ins by clients that are not ours: people, phones and attackers, under the very same checks."""

from __future__ import annotations

from typing import Final

from emberwatch.simulator.lockout import NOISE
from emberwatch.simulator.password_grant import SignIn, run_checks
from emberwatch.simulator.scenario import AppScenario, stable_id
from emberwatch.simulator.state import AppState, DirectoryState

OTHER_CLIENT_ID: Final = stable_id("a client that is not ours")
_OTHER: Final = AppState(
    AppScenario(client_id=OTHER_CLIENT_ID, display_name="Another client", consented_scopes=("openid",)),
    secrets=(),
    certificates=(),
)


def sign_in_as_others(directory: DirectoryState, username: str, password: str) -> int:
    """Try a password as another client; the code it ends in, 0 when it is let in."""
    world = directory.world
    with world.lock:
        sign_in = SignIn(
            directory=directory,
            app=_OTHER,
            username=username,
            password=password,
            scopes=("openid",),
            now=world.clock(),
            authority="",
            user_found=directory.find_for_sign_in(username),
            by=NOISE,
        )
        failure = run_checks(sign_in)
    return failure.code if failure else 0
