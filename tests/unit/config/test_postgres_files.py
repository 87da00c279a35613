"""Addresses, socket folders and the text of the configuration files."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from psycopg.conninfo import conninfo_to_dict

from emberwatch.config.embedded import EmbeddedPostgres
from emberwatch.config.postgres_account import our_account
from emberwatch.config.postgres_files import (
    LONGEST_SOCKET_PATH,
    socket_folder,
    socket_path,
    write_configuration,
)


@pytest.mark.parametrize("length", [1, 60, 70, 75, 76, 77, 80, 200])
def test_a_socket_path_is_never_too_long(length: int) -> None:
    folder = socket_folder(Path("/") / ("x" * length))
    assert len(str(socket_path(folder))) <= LONGEST_SOCKET_PATH


def test_only_a_path_that_cannot_hold_a_socket_leaves_the_data_folder() -> None:
    assert socket_folder(Path("/srv/postgres")) == Path("/srv/postgres/run")
    assert socket_folder(Path("/srv/a,b/postgres")).parent == Path("/tmp")
    long = Path("/srv") / ("x" * 200)
    assert socket_folder(long).parent == Path("/tmp")
    assert socket_folder(long) == socket_folder(long)
    assert socket_folder(long) != socket_folder(long / "y")


def test_the_address_survives_odd_folders(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "a b&c=%,\u00fc")
    parsed = conninfo_to_dict(postgres.dsn())
    assert parsed == {
        "host": postgres.settings()["HOST"],
        "port": "5432",
        "user": "emberwatch",
        "dbname": "emberwatch",
    }


def test_making_one_touches_nothing(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "data")
    parts = urlsplit(postgres.dsn(role="r", database="d"))
    assert (unquote(parts.path), parse_qs(parts.query)["user"]) == ("/d", ["r"])
    assert not (tmp_path / "data").exists()


def test_configuration_is_written_for_one_user_and_no_network(tmp_path: Path) -> None:
    ours = our_account()
    write_configuration(tmp_path, tmp_path / "it's", client=ours, server=ours)
    settings = (tmp_path / "postgresql.conf").read_text()
    assert "listen_addresses = ''\n" in settings
    assert f"unix_socket_directories = '\"{tmp_path}/it''s\"'\n" in settings
    rules = (tmp_path / "pg_hba.conf").read_text().splitlines()[1:]
    assert rules == ["local all postgres,emberwatch peer map=emberwatch"]
    names = (tmp_path / "pg_ident.conf").read_text().splitlines()[1:]
    assert names == [f'emberwatch "{ours.name}" {role}' for role in ("postgres", "emberwatch")]


def test_a_link_left_in_the_cluster_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    for name in ("postgresql.conf", ".postgresql.conf.draft"):
        (tmp_path / name).symlink_to(victim)
    ours = our_account()
    write_configuration(tmp_path, tmp_path, client=ours, server=ours)
    assert victim.read_text() == "untouched"
    assert "listen_addresses" in (tmp_path / "postgresql.conf").read_text()
