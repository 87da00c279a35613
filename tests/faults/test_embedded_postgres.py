"""The embedded PostgreSQL with real processes that come, go and are killed."""

from __future__ import annotations

import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from emberwatch.config.embedded import EmbeddedPostgres
from emberwatch.config.postgres_account import server_account
from emberwatch.core.errors import Unavailable

USER_PROGRAM = """
import sys
from pathlib import Path
from emberwatch.config.embedded import EmbeddedPostgres
EmbeddedPostgres(Path(sys.argv[1])).acquire()
print("ready", flush=True)
sys.stdin.read()
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")


@dataclass
class UserProcess:
    """Another process that uses the server until it is told to leave."""

    process: subprocess.Popen[str]

    def wait_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def leave(self) -> int:
        self.process.communicate("", timeout=60)
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@dataclass
class Folder:
    path: Path

    @property
    def cluster(self) -> Path:
        return self.path / "postgres" / "cluster"

    @property
    def pid_file(self) -> Path:
        return self.cluster / "postmaster.pid"

    def postgres(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.path)

    def postmaster(self) -> int:
        return int(self.pid_file.read_text().split("\n")[0])

    def is_running(self) -> bool:
        return self.pid_file.exists() and Path(f"/proc/{self.postmaster()}").exists()


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Instead of pytest's own, which every pytest run closes again to the other user that the server is."""
    with tempfile.TemporaryDirectory(prefix="emberwatch-faults-") as path:
        yield Path(path)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path / "data")
    yield folder
    if folder.is_running():
        left_over = folder.postgres()
        left_over.acquire()
        left_over.release()


@pytest.fixture
def start(folder: Folder) -> Iterator[Callable[[], UserProcess]]:
    started: list[UserProcess] = []

    def one() -> UserProcess:
        command = [sys.executable, "-c", USER_PROGRAM, str(folder.path)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(UserProcess(process))
        return started[-1]

    yield one
    for user in started:
        if user.process.poll() is None:
            user.kill()


@pytest.fixture
def running(folder: Folder) -> Iterator[EmbeddedPostgres]:
    postgres = folder.postgres()
    postgres.acquire()
    yield postgres
    postgres.release()


def ask(postgres: EmbeddedPostgres, query: str) -> object:
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def write_note(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.dsn()) as connection:
        connection.execute("CREATE TABLE note AS SELECT 'kept' AS word")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kill_postmaster(folder: Folder) -> None:
    pid = folder.postmaster()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_starts_answers_and_stops_cleanly(folder: Folder) -> None:
    postgres = folder.postgres()
    postgres.acquire()
    assert ask(postgres, "SELECT current_setting('server_version_num')::int / 10000") == 18
    postgres.release()
    assert not folder.pid_file.exists()


def test_a_second_start_keeps_the_data(folder: Folder) -> None:
    first = folder.postgres()
    first.acquire()
    write_note(first)
    first.release()
    second = folder.postgres()
    second.acquire()
    assert ask(second, "SELECT word FROM note") == "kept"
    second.release()


def test_acquire_twice_is_one_user(folder: Folder, running: EmbeddedPostgres) -> None:
    running.acquire()
    running.release()
    assert not folder.pid_file.exists()


def test_processes_share_one_server_until_the_last_leaves(
    folder: Folder, running: EmbeddedPostgres, start: Callable[[], UserProcess]
) -> None:
    postmaster = folder.postmaster()
    other = start()
    other.wait_ready()
    assert folder.postmaster() == postmaster
    running.release()
    assert folder.is_running()
    assert other.leave() == 0
    assert not folder.pid_file.exists()


def test_four_first_starts_at_once_make_one_server(folder: Folder, start: Callable[[], UserProcess]) -> None:
    users = [start() for _ in range(4)]
    for user in users:
        user.wait_ready()
    assert folder.is_running()
    assert [user.leave() for user in users] == [0, 0, 0, 0]
    assert not folder.pid_file.exists()
    assert not list(folder.cluster.parent.glob("new-*"))


def test_a_killed_user_is_not_counted_any_more(
    folder: Folder, running: EmbeddedPostgres, start: Callable[[], UserProcess]
) -> None:
    other = start()
    other.wait_ready()
    other.kill()
    assert ask(running, "SELECT 1") == 1
    running.release()
    assert not folder.pid_file.exists()


def test_the_next_start_joins_and_stops_what_a_killed_last_user_left(
    folder: Folder, start: Callable[[], UserProcess]
) -> None:
    last = start()
    last.wait_ready()
    postmaster = folder.postmaster()
    last.kill()
    assert folder.is_running()
    postgres = folder.postgres()
    postgres.acquire()
    assert folder.postmaster() == postmaster
    postgres.release()
    assert not folder.pid_file.exists()


def test_a_killed_server_comes_back_with_its_data(folder: Folder, running: EmbeddedPostgres) -> None:
    write_note(running)
    before = folder.postmaster()
    kill_postmaster(folder)
    running.acquire()
    assert folder.postmaster() != before
    assert ask(running, "SELECT word FROM note") == "kept"


def test_an_orphan_of_a_killed_server_is_waited_for(folder: Folder, running: EmbeddedPostgres) -> None:
    write_note(running)
    with psycopg.connect(running.dsn()) as connection:
        orphan = connection.info.backend_pid
        os.kill(orphan, signal.SIGSTOP)
        kill_postmaster(folder)
        starter = threading.Thread(target=running.acquire)
        starter.start()
        try:
            wait_until(lambda: "still in use" in running.log_file.read_text())
            assert starter.is_alive()
        finally:
            os.kill(orphan, signal.SIGCONT)
            starter.join()
    assert ask(running, "SELECT word FROM note") == "kept"


def test_a_stale_pid_that_now_is_another_process_neither_blocks_nor_is_harmed(
    folder: Folder, running: EmbeddedPostgres
) -> None:
    write_note(running)
    stale = folder.pid_file.read_text().split("\n")
    kill_postmaster(folder)
    account = server_account(folder.cluster)
    with subprocess.Popen(["sleep", "60"], **account.process_options()) as stranger:
        folder.pid_file.write_text("\n".join([str(stranger.pid), *stale[1:]]))
        lock = folder.cluster.parent / "run" / ".s.PGSQL.5432.lock"
        if lock.exists():
            lock.write_text("\n".join([str(stranger.pid), *lock.read_text().split("\n")[1:]]))
        running.acquire()
        assert ask(running, "SELECT word FROM note") == "kept"
        running.release()
        assert stranger.poll() is None
        stranger.kill()


def test_release_does_not_signal_a_stranger_with_the_pid_of_a_dead_server(
    folder: Folder, running: EmbeddedPostgres
) -> None:
    kill_postmaster(folder)
    with subprocess.Popen(["sleep", "60"], **server_account(folder.cluster).process_options()) as stranger:
        folder.pid_file.write_text(f"{stranger.pid}\n")
        running.release()
        time.sleep(0.2)
        assert stranger.poll() is None
        stranger.kill()


def test_a_first_start_that_was_killed_half_way_leaves_nothing_in_the_way(folder: Folder) -> None:
    abandoned = folder.path / "postgres" / "new-1"
    (abandoned / "base").mkdir(parents=True)
    postgres = folder.postgres()
    postgres.acquire()
    assert not abandoned.exists()
    assert ask(postgres, "SELECT 1") == 1
    postgres.release()


def test_ctrl_c_in_one_process_does_not_reach_the_server(
    folder: Folder, start: Callable[[], UserProcess]
) -> None:
    starter, other = start(), start()
    starter.wait_ready()
    other.wait_ready()
    os.killpg(starter.process.pid, signal.SIGINT)
    starter.process.communicate(timeout=60)
    assert ask(folder.postgres(), "SELECT 1") == 1
    other.leave()
    assert not folder.pid_file.exists()


def test_a_forked_child_neither_stops_the_server_nor_leaves(
    folder: Folder, running: EmbeddedPostgres
) -> None:
    child = os.fork()
    if child == 0:
        running.release()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert folder.is_running()
    assert ask(running, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["x" * 150, "it's a \u00fcber folder", "a,b"])
def test_unusual_folders_work(tmp_path: Path, name: str) -> None:
    postgres = EmbeddedPostgres(tmp_path / name)
    postgres.acquire()
    sockets = Path(postgres.settings()["HOST"])
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert ask(postgres, "SELECT 1") == 1
    postgres.release()
    assert not sockets.exists()


def test_a_server_behind_a_socket_folder_that_someone_else_made_is_not_joined(
    tmp_path: Path, running: EmbeddedPostgres
) -> None:
    postgres = EmbeddedPostgres(tmp_path / ("x" * 150))
    postgres.acquire()
    postgres.release()
    sockets = Path(postgres.settings()["HOST"])
    sockets.symlink_to(running.settings()["HOST"])
    try:
        with pytest.raises(Unavailable, match="private folder"):
            postgres.acquire()
    finally:
        sockets.unlink()


def test_a_path_that_the_shell_would_change_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="shell"):
        EmbeddedPostgres(tmp_path / "$(touch x)").acquire()


def test_a_server_that_cannot_start_names_its_log(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres = folder.postgres()
    postgres.acquire()
    postgres.release()
    (folder.cluster / "global" / "pg_control").rename(folder.cluster / "pg_control.away")
    monkeypatch.setattr("emberwatch.config.embedded.RETRY_SECONDS", 1.0)
    with pytest.raises(Unavailable) as caught:
        postgres.acquire()
    assert str(postgres.log_file) in str(caught.value)
    assert "could not find the database system" in str(caught.value)


def test_the_application_role_has_no_special_rights(running: EmbeddedPostgres) -> None:
    for right in ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls"):
        holders = f"SELECT array_agg(rolname::text) FROM pg_roles WHERE {right}"  # noqa: S608
        assert ask(running, holders) == ["postgres"]
    assert ask(running, "SELECT current_user") == "emberwatch"
    assert ask(running, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'emberwatch'") == (
        "emberwatch"
    )


def test_nothing_listens_on_the_network(running: EmbeddedPostgres) -> None:
    assert ask(running, "SHOW listen_addresses") == ""


def test_the_log_holds_no_statement_and_no_value(running: EmbeddedPostgres) -> None:
    with psycopg.connect(running.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE login (name text UNIQUE)")
        connection.execute("INSERT INTO login VALUES ('lena')")
        with pytest.raises(psycopg.errors.UniqueViolation, match="lena"):
            connection.execute("INSERT INTO login VALUES ('lena')")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation, match="lena"):
            connection.execute("SELECT %s::text::int", ["lena"])
    assert "lena" not in running.log_file.read_text()


def test_the_log_names_who_was_refused(running: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(running.dsn(role="stranger"))
    assert "stranger" in running.log_file.read_text()


@as_root
def test_another_user_is_refused_even_when_the_socket_is_open_to_all(
    folder: Folder, running: EmbeddedPostgres
) -> None:
    sockets = Path(running.settings()["HOST"])
    assert _connect_as(os.geteuid(), running) == "ok"
    nobody = pwd.getpwnam("nobody").pw_uid
    assert "Permission denied" in _connect_as(nobody, running)
    for path in (sockets.parent, sockets, sockets / ".s.PGSQL.5432"):
        path.chmod(0o777)
    assert "Peer authentication failed" in _connect_as(nobody, running)


def _connect_as(uid: int, postgres: EmbeddedPostgres) -> str:
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            os.setgid(uid)
            os.setuid(uid)
            os.write(write_end, _attempt(postgres.dsn()).encode())
        os._exit(0)
    os.close(write_end)
    os.waitpid(child, 0)
    with os.fdopen(read_end) as answer:
        return answer.read()


def _attempt(dsn: str) -> str:
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError as error:
        return str(error)
    return "ok"


@as_root
def test_as_root_the_server_owns_its_cluster_and_folders_above_get_the_search_bit_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    postgres = EmbeddedPostgres(private / "data")
    postgres.acquire()
    postmaster = Folder(private / "data").postmaster()
    assert Path(f"/proc/{postmaster}").stat().st_uid == pwd.getpwnam("emberwatch-db").pw_uid
    assert stat.S_IMODE(private.stat().st_mode) == 0o701
    assert str(private) in caplog.text
    postgres.release()
