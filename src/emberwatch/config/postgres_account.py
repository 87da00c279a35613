"""The operating system account that the embedded PostgreSQL runs as: ourselves, or a dedicated one for root.

PostgreSQL refuses to run as root. For root, the server gets an account that owns the cluster, nothing else.
"""

from __future__ import annotations

import logging
import os
import pwd
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from emberwatch.core.errors import Unavailable

DEDICATED_NAME: Final = "emberwatch-db"
CREATE_ATTEMPTS: Final = 5
REMEDY: Final = "Run Emberwatch as an ordinary user, or set EMBERWATCH_DATABASE_URL to another PostgreSQL."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def process_options(self) -> dict[str, Any]:
        """Arguments for :mod:`subprocess` that make a child run as this account."""
        return {} if self.is_ours else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        if not self.is_ours:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def own_tree(self, top: Path) -> None:
        if top.stat().st_uid == self.uid:
            return
        # The top comes last: its owner tells that the work is complete.
        for folder, _, files in os.walk(top, topdown=False):
            for path in (*(Path(folder) / name for name in files), Path(folder)):
                self.own(path)


def our_account() -> Account:
    uid = os.geteuid()
    account = _named(uid)
    if account is None:
        raise Unavailable(
            f"The user id {uid} has no name on this machine, and PostgreSQL cannot run without one.",
            remedy="Add the user to /etc/passwd, or set EMBERWATCH_DATABASE_URL to another PostgreSQL.",
        )
    return account


def server_account(cluster: Path) -> Account:
    """Whom this server has to run as; for root, that is the cluster's owner or the dedicated account."""
    ours = our_account()
    if ours.uid != 0:
        return ours
    owner = _named(cluster.stat().st_uid) if cluster.exists() else None
    return owner if owner is not None and owner.uid != 0 else _dedicated()


def open_way(target: Path, account: Account) -> None:
    """Lets the account pass through every folder above the target: the search bit only, never reading."""
    if account.is_ours:
        return
    for folder in reversed(target.parents):
        if not _may_search(folder, account):
            _add_bits(folder, stat.S_IXOTH)
            _log.warning("Other users may now pass through %s (not list it), so that PostgreSQL can.", folder)


def open_programs(installation: Path, account: Account) -> None:
    """Makes the wheel's published files readable where a strict umask kept them for root alone."""
    open_way(installation, account)
    if account.is_ours or _may_search(installation, account):
        return
    for path in _tree(installation):
        mode = path.stat().st_mode
        _add_bits(path, stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
    _log.warning("Other users may now read %s, so that PostgreSQL can run.", installation)


def _tree(top: Path) -> Iterator[Path]:
    yield from (path for path in top.rglob("*") if not path.is_symlink())
    # Last, because its bit tells the next start that the work is complete.
    yield top


def _may_search(folder: Path, account: Account) -> bool:
    status = folder.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _add_bits(path: Path, bits: int) -> None:
    try:
        path.chmod(stat.S_IMODE(path.stat().st_mode) | bits)
    except OSError as error:
        raise Unavailable(
            f"PostgreSQL, running as {DEDICATED_NAME}, cannot reach {path}: {error.strerror}.", remedy=REMEDY
        ) from None


def _named(key: int | str) -> Account | None:
    try:
        entry = pwd.getpwnam(key) if isinstance(key, str) else pwd.getpwuid(key)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _dedicated() -> Account:
    reason = ""
    # Two first starts at once: the password file is locked for the second, or the account then exists.
    for attempt in range(CREATE_ATTEMPTS):
        account = _named(DEDICATED_NAME)
        if account is not None:
            return account
        time.sleep(0.3 if attempt else 0)
        reason = _create_dedicated()
    account = _named(DEDICATED_NAME)
    if account is None:
        raise Unavailable(
            f"PostgreSQL refuses to run as root, and the user {DEDICATED_NAME} could not be made: {reason}",
            remedy=REMEDY,
        )
    return account


def _create_dedicated() -> str:
    """Makes the account; answers why it could not, or nothing."""
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        return "this machine has no useradd."
    home, shell = ("--home-dir", "/nonexistent"), ("--shell", "/usr/sbin/nologin")
    done = subprocess.run(
        [program, "--system", "--user-group", "--no-create-home", *home, *shell, DEDICATED_NAME],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip()
