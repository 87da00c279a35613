"""``emberwatch scan`` as a person meets it: a process, its files, its totals and its exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest

FIELDS: Final = [
    "login", "password", "url", "kind", "hash_type", "match", "source_file", "line",
    "family", "machine_id", "infected_at",
]  # fmt: skip
LEAK: Final = (
    "https://a.test/login:mira@contoso.example:Xk2:9q\n"
    "https://vpn.contoso.example/:guest@other.test:pw one\n"
    "o@notcontoso.example:pw\n"
    "\n"
    "u@contoso.example:5f4dcc3b5aa765d61d8327deb882cf99\n"
    "u@contoso.example:\n"
)
BLOCK: Final = (
    "URL: https://a.test/\nUsername: k@contoso.example\nPassword: Block:1\n"
    "Application: Chrome\n===============\n"
)
SYSTEM: Final = (
    "Operation System: Windows 10\nFileLocation: C:\\x.exe\nHWID: 00112233445566778899AABBCCDDEEFF\n"
    "Log date: 2023-08-30T06:22:24+00:00\nIP: 203.0.113.9\n"
)


def scan(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "emberwatch.cli.main", "scan", "--domains", "domains.txt", *arguments]
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.run(
        command, cwd=folder, input=stdin, capture_output=True, check=False, timeout=120, env=environment
    )


def rows(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def brief(data: bytes) -> list[tuple[Any, ...]]:
    return [
        (row["login"], row["password"], row["match"], row["source_file"], row["line"]) for row in rows(data)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "domains.txt").write_text("# ours\ncontoso.example\n")
    (tmp_path / "leak.txt").write_text(LEAK)
    return tmp_path


def test_what_is_found_and_what_is_counted(folder: Path) -> None:
    done = scan(folder, "leak.txt")
    assert done.returncode == 0
    found = rows(done.stdout)
    assert all(list(row) == FIELDS for row in found)
    assert brief(done.stdout) == [
        ("mira@contoso.example", "Xk2:9q", "login", "leak.txt", 1),
        ("guest@other.test", "pw one", "host", "leak.txt", 2),
        ("u@contoso.example", "5f4dcc3b5aa765d61d8327deb882cf99", "login", "leak.txt", 5),
    ]
    assert [(row["kind"], row["hash_type"]) for row in found] == [
        ("plaintext", None),
        ("plaintext", None),
        ("hash", "md5|ntlm"),
    ]
    told = done.stderr.decode()
    assert f"bytes:    {len(LEAK)} " in told
    assert "lines:    6 = 3 matched + 1 rejected + 2 without" in told
    assert "3 credentials = 2 by login + 1 by host" in told
    assert "1: The login stands without a password" in told


def test_folders_with_a_log_and_archives(folder: Path) -> None:
    victim = folder / "logs" / "DE1"
    victim.mkdir(parents=True)
    (victim / "UserInformation.txt").write_text(SYSTEM)
    (victim / "Passwords.txt").write_text(BLOCK)
    (victim / "link.txt").symlink_to(folder / "leak.txt")
    with zipfile.ZipFile(folder / "logs" / "more.zip", "w") as archive:
        archive.writestr("FR2/UserInformation.txt", SYSTEM)
        archive.writestr("FR2/Passwords.txt", BLOCK)
    done = scan(folder, "logs")
    found = rows(done.stdout)
    assert done.returncode == 0, done.stderr
    assert [(row["source_file"], row["password"], row["line"]) for row in found] == [
        ("more.zip!FR2/Passwords.txt", "Block:1", 1),
        ("DE1/Passwords.txt", "Block:1", 1),
    ]
    for row in found:
        assert row["family"] == "redline"
        assert row["machine_id"] == "00112233445566778899AABBCCDDEEFF"
        assert row["infected_at"] == "2023-08-30T06:22:24Z"
    assert b"DE1/link.txt: It is a link" in done.stderr
    assert b"lines:    10 = 2 matched + 0 rejected + 8 without" in done.stderr


def test_standard_input(folder: Path) -> None:
    found = brief(scan(folder, "-", stdin=LEAK.encode()).stdout)
    assert [name for _, _, _, name, _ in found] == ["-"] * 3


def test_an_archive_from_standard_input(folder: Path) -> None:
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.writestr("leak.txt", LEAK)
    done = scan(folder, "-", stdin=(folder / "x.zip").read_bytes())
    assert [row["source_file"] for row in rows(done.stdout)] == ["stdin!leak.txt"] * 3, done.stderr


def test_the_output_is_for_its_owner_alone(folder: Path) -> None:
    old = os.umask(0)
    try:
        done = scan(folder, "leak.txt", "--output", "found.jsonl")
    finally:
        os.umask(old)
    file = folder / "found.jsonl"
    assert (done.returncode, done.stdout) == (0, b"")
    assert len(rows(file.read_bytes())) == 3
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_older_output_is_closed_to_others_and_replaced(folder: Path) -> None:
    file = folder / "found.jsonl"
    file.write_text("old\n" * 1000)
    file.chmod(0o644)
    assert scan(folder, ".", "--output", "found.jsonl").returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(rows(file.read_bytes())) == 3


@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_the_output_is_no_link(folder: Path, kind: str) -> None:
    target = folder / "precious"
    target.write_text("precious")
    link = folder / "found.jsonl"
    link.symlink_to(target) if kind == "symbolic" else os.link(target, link)
    done = scan(folder, "leak.txt", "--output", "found.jsonl")
    assert done.returncode == 2
    assert target.read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.txt"], "missing.txt cannot be read"),
        (["leak.txt", "--processes", "0"], "0 is not between 1 and 256"),
        (["leak.txt", "--output", "no/such/folder"], "cannot be written"),
        ([], "required"),
    ],
)
def test_bad_input(folder: Path, arguments: list[str], said: str) -> None:
    done = scan(folder, *arguments)
    assert done.returncode == 2
    assert said in done.stderr.decode()


def test_bad_lines_of_the_list_are_named(folder: Path) -> None:
    (folder / "domains.txt").write_text("contoso.example\nhttps://x.example/\nlocalhost\n")
    done = scan(folder, "leak.txt", "--output", "found.jsonl")
    assert done.returncode == 2
    assert re.search(r"Line 2: .* Line 3: ", done.stderr.decode())
    assert not (folder / "found.jsonl").exists()


def test_a_file_that_cannot_be_read_is_named_and_others_are_scanned(folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser reads every file")
    (folder / "closed.txt").write_text(LEAK)
    (folder / "closed.txt").chmod(0)
    done = scan(folder, "closed.txt", "leak.txt")
    assert done.returncode == 1
    assert b"closed.txt: Permission denied" in done.stderr
    assert len(rows(done.stdout)) == 3


def large(folder: Path, size: int = 150_000_000) -> Path:
    block = b"https://a.test/x:o@y.test:pw\n" * 20_000 + LEAK.encode()
    file = folder / "large.txt"
    with file.open("wb") as opened:
        while opened.tell() < size:
            opened.write(block)
    return file


@pytest.mark.slow
def test_several_processes_write_the_same(folder: Path) -> None:
    large(folder)
    alone, together = (scan(folder, "large.txt", "--processes", number) for number in ("1", "3"))
    assert alone.returncode == together.returncode == 0
    assert alone.stdout == together.stdout
    assert len(rows(alone.stdout)) > 700
    strip = re.compile(rb" in .*MB/s\)")
    assert strip.sub(b"", alone.stderr) == strip.sub(b"", together.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["1", "2"])
def test_an_interrupt_leaves_whole_lines(folder: Path, processes: str) -> None:
    large(folder, 600_000_000)
    command = [sys.executable, "-m", "emberwatch.cli.main", "scan", "large.txt", "--domains", "domains.txt"]
    running = subprocess.Popen(
        [*command, "--output", "found.jsonl", "--processes", processes],
        cwd=folder, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    file = folder / "found.jsonl"
    for _ in range(2000):
        if file.exists() and file.stat().st_size > 0:
            break
        time.sleep(0.005)
    os.killpg(running.pid, signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    content = file.read_bytes()
    assert content.endswith(b"\n")
    assert rows(content)
    assert b"lines:" in told
    assert b"Traceback" not in told


def test_the_start_loads_no_framework(folder: Path) -> None:
    program = (
        "import sys; from emberwatch.cli.main import main; code = main(sys.argv[1:]);"
        "print(code, *sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "scan", "leak.txt", "--domains", "domains.txt"],
        cwd=folder, capture_output=True, check=True,
    )  # fmt: skip
    loaded = done.stderr.decode().splitlines()[-1].split()
    assert loaded[0] == "0"
    assert {"hyperscan"} <= set(loaded)
    assert {"django", "psycopg", "typer", "pydantic", "rich", "httpx", "numpy", "asyncio"} & set(
        loaded
    ) == set()


def test_cookie_files_are_named_and_not_read_as_lines(tmp_path: Path) -> None:
    (tmp_path / "domains.txt").write_text("contoso.example\n")
    line = ".contoso.example\tTRUE\t/\tFALSE\t1790000000\tname\tu@contoso.example:pw\n"
    (tmp_path / "cookies.txt").write_text(line)
    done = scan(tmp_path, "cookies.txt")
    assert rows(done.stdout) == []
    assert b"cookies.txt: It holds cookies and no logins" in done.stderr
