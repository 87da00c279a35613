"""Settings: good ones are parsed, everything else stops the start with a line that names the setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from emberwatch.config.environment import load
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret

LONG = "s" * 40


def test_defaults(tmp_path: Path) -> None:
    environment = load({"EMBERWATCH_DATA_DIR": str(tmp_path), "PATH": "/bin"})
    assert environment.data_dir == tmp_path
    assert environment.uses_embedded_database
    assert environment.custom_cloud is None
    assert load({}).data_dir.name == "emberwatch"


def test_a_value_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(LONG + "\n")
    assert load({"EMBERWATCH_SECRET_KEY_FILE": str(file)}).secret_key == Secret(LONG)


def test_the_custom_cloud(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    values = {
        "EMBERWATCH_CUSTOM_CLOUD_LOGIN_URL": "https://127.0.0.1:8443/",
        "EMBERWATCH_CUSTOM_CLOUD_GRAPH_URL": "https://127.0.0.1:8443",
        "EMBERWATCH_CUSTOM_CLOUD_PORTAL_URL": "https://127.0.0.1:8443/portal",
        "EMBERWATCH_CUSTOM_CLOUD_CA_FILE": str(ca),
    }
    cloud = load(values).custom_cloud
    assert cloud is not None
    assert (cloud.login_url, cloud.ca_file) == ("https://127.0.0.1:8443", ca)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"EMBERWATCH_DATADIR": "/x"}, "EMBERWATCH_DATADIR"),
        ({"EMBERWATCH_DATABASE_URL": "mysql://x"}, "EMBERWATCH_DATABASE_URL"),
        ({"EMBERWATCH_DATABASE_URL": "postgresql://h/d"}, "EMBERWATCH_VAULT_KEYS"),
        ({"EMBERWATCH_SECRET_KEY": "short"}, "EMBERWATCH_SECRET_KEY"),
        ({"EMBERWATCH_SECRET_KEY_FILE": "/does/not/exist"}, "EMBERWATCH_SECRET_KEY_FILE"),
        ({"EMBERWATCH_SECRET_KEY": LONG, "EMBERWATCH_SECRET_KEY_FILE": "/x"}, "EMBERWATCH_SECRET_KEY_FILE"),
        ({"EMBERWATCH_BASE_URL": "emberwatch.example"}, "EMBERWATCH_BASE_URL"),
        ({"EMBERWATCH_CUSTOM_CLOUD_LOGIN_URL": "http://h"}, "EMBERWATCH_CUSTOM_CLOUD_LOGIN_URL"),
        ({"EMBERWATCH_CUSTOM_CLOUD_LOGIN_URL": "https://h"}, "EMBERWATCH_CUSTOM_CLOUD_GRAPH_URL"),
        ({"EMBERWATCH_CUSTOM_CLOUD_CA_FILE": "/does/not/exist"}, "EMBERWATCH_CUSTOM_CLOUD_CA_FILE"),
    ],
)
def test_what_stops_the_start(values: dict[str, str], named: str) -> None:
    with pytest.raises(BadInput) as caught:
        load(values)
    assert named in str(caught.value)


def test_a_secret_is_not_quoted() -> None:
    with pytest.raises(BadInput) as caught:
        load({"EMBERWATCH_DATABASE_URL": "mysql://user:very-secret@h/d"})
    assert "very-secret" not in str(caught.value)
    assert "very-secret" not in repr(
        load({"EMBERWATCH_DATA_DIR": "/tmp", "EMBERWATCH_SECRET_KEY": "very-secret" * 4})
    )


def test_days_are_whole_and_have_a_default() -> None:
    assert load({"EMBERWATCH_DATA_DIR": "/tmp"}).review_days == 7
    assert load({"EMBERWATCH_DATA_DIR": "/tmp", "EMBERWATCH_REVIEW_DAYS": "30"}).review_days == 30
    for bad in ("0", "-1", "1.5", "week", "99999"):
        with pytest.raises(BadInput, match="EMBERWATCH_REVIEW_DAYS: needs a whole number of days"):
            load({"EMBERWATCH_DATA_DIR": "/tmp", "EMBERWATCH_REVIEW_DAYS": bad})
