"""One embedded PostgreSQL for each test process, in a folder of its own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import psycopg
import pytest

# The folder of a real installation must never be used, and test processes share none: each has its own server,
# keys and uploads.
for _name in [
    name for name in os.environ if name.startswith("EMBERWATCH_") and name != "EMBERWATCH_CHROMIUM"
]:
    del os.environ[_name]
_folder = tempfile.mkdtemp(prefix="emberwatch-tests-")
os.environ["EMBERWATCH_DATA_DIR"] = _folder
# Registered before the embedded server is, so it runs after that has stopped.
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["DJANGO_SETTINGS_MODULE"] = "emberwatch.config.settings"
# Before any other conftest is imported: they import models. Nothing connects here.
django.setup()
# Else the test processes that this one starts would read the settings before they have a folder of their own.
del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--model-histories",
        type=int,
        default=300,
        help="how many histories tests/faults/test_validation_model.py goes through",
    )
    parser.addoption("--model-seed", type=int, default=1, help="what these histories are drawn from")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    return Path(os.environ["EMBERWATCH_DATA_DIR"])


@pytest.fixture(scope="session")
def embedded_postgres(data_dir: Path) -> Iterator[None]:
    from emberwatch.config.embedded import EmbeddedPostgres

    server = EmbeddedPostgres(data_dir)
    server.acquire()
    with psycopg.connect(server.superuser_dsn(), autocommit=True) as connection:
        connection.execute("ALTER ROLE emberwatch CREATEDB")
    yield
    server.release()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    embedded_postgres: None, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """pytest-django makes its databases on the embedded server."""


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    yield
    from emberwatch.vault import services

    services._unwrapped.cache_clear()
