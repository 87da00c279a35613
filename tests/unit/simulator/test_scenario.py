from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emberwatch.simulator import ScenarioError, load_scenario, scenario_from
from emberwatch.simulator.state import World
from tests.unit.simulator.worlds import CLIENT_ID, DIRECTORY_ID, NOW, OTHER_ID, Lab


def plain(**directory: Any) -> dict[str, Any]:
    return {
        "cloud": "usgov",
        "seed": 3,
        "faults": [{"where": "token", "kind": "latency", "seconds": 0}],
        "directories": [
            {
                "id": DIRECTORY_ID,
                "name": "Corp",
                "domains": [{"name": "corp.example", "default": True}],
                "apps": [{"client_id": CLIENT_ID, "secrets": [{"value": "made-up"}]}],
                "users": [
                    {
                        "upn": "ann@corp.example",
                        "password": "made-up",
                        "created": "2024-01-02T03:04:05Z",
                        "mfa": "required",
                        "answer": {"code": 599999, "when": "right"},
                        "properties": {"department": "Sales"},
                    }
                ],
                **directory,
            }
        ],
    }


def test_plain_data_becomes_a_scenario() -> None:
    built = scenario_from(plain())
    (ann,) = built.directories[0].users
    assert ann.created == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert ann.answer is not None and ann.answer.code == 599999
    assert ann.properties == {"department": "Sales"}
    assert (built.cloud, built.faults[0].seconds) == ("usgov", 0.0)
    assert Lab(built).sign_in("made-up", client_secret="made-up").code == 599999


def test_json_and_toml_files(tmp_path: Path) -> None:
    as_json = tmp_path / "world.json"
    as_json.write_text(json.dumps(plain(users=[])))
    as_toml = tmp_path / "world.toml"
    as_toml.write_text(
        f"""
        cloud = "usgov"
        seed = 3
        faults = [{{ where = "token", kind = "latency", seconds = 0.0 }}]
        [[directories]]
        id = "{DIRECTORY_ID}"
        name = "Corp"
        domains = [{{ name = "corp.example", default = true }}]
        apps = [{{ client_id = "{CLIENT_ID}", secrets = [{{ value = "made-up" }}] }}]
        """
    )
    assert load_scenario(as_json) == load_scenario(as_toml)


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, r"directories\[0\]\.colour: unknown key; known keys: .*lockout_threshold"),
    ({"name": None}, r"directories\[0\]\.name: must be a text, not NoneType"),
    ({"premium": "yes"}, r"directories\[0\]\.premium: must be true or false, not str"),
    ({"lockout_threshold": True}, r"directories\[0\]\.lockout_threshold: must be a whole number, not bool"),
    ({"users": {}}, r"directories\[0\]\.users: must be a list, not dict"),
    ({"users": [[]]}, r"directories\[0\]\.users\[0\]: must be an object, not list"),
    ({"users": [{}]}, r"directories\[0\]\.users\[0\]\.upn: is missing"),
    ({"users": [{"upn": "a@corp.example", "mfa": "sms"}]}, r"users\[0\]\.mfa: must be one of none, required"),
    ({"users": [{"upn": "a@corp.example", "created": "once"}]}, r"users\[0\]\.created: must be a time"),
    ({"users": [{"upn": "a@elsewhere.example"}]}, r"users\[0\]\.upn: the domain of"),
    (
        {"users": [{"upn": "a@corp.example"}, {"upn": "A@corp.example"}]},
        r"users\[1\]\.id: .* already used at",
    ),
    ({"users": [{"upn": "a@corp.example", "id": "1"}]}, r"users\[0\]\.id: '1' is not a GUID"),
    ({"apps": [{"client_id": "1"}]}, r"apps\[0\]\.client_id: '1' is not a GUID"),
    ({"id": "corp"}, r"directories\[0\]\.id: 'corp' is not a GUID"),
    ({"domains": []}, "needs at least one domain"),
    ({"domains": [{"name": "corp.example", "authentication": "Hybrid"}]}, "one of Managed, Federated"),
    (
        {"detections": [{"upn": "no@corp.example", "detected": "2026-01-01T00:00:00Z"}]},
        r"detections\[0\]: 'no@corp.example' is not in the directory",
    ),
    (
        {
            "users": [{"upn": "a@corp.example"}],
            "detections": [{"upn": "a@corp.example", "detected": "2026-01-01T00:00:00Z"}] * 2,
        },
        r"detections\[1\]: the id .* is already used",
    ),
    ({"premium_refusal": "No"}, r"premium_refusal: must be one of Forbidden, AccessDenied, AadPremium"),
    ({"write_delay_seconds": -1}, r"directories\[0\]\.write_delay_seconds: must be zero or more seconds"),
    ({"write_delay_seconds": "soon"}, r"write_delay_seconds: must be a number, not str"),
    ({"password_writeback": 1}, r"password_writeback: must be true or false, not int"),
    (
        {"roles": [{"template_id": OTHER_ID, "display_name": "Role", "apps": [OTHER_ID]}]},
        r"roles\[0\]: app '9.*' is not in the directory",
    ),
    (
        {"domains": [{"name": "corp.example", "default": True}, {"name": "b.example", "default": True}]},
        "2 domains are marked default",
    ),
]


@pytest.mark.parametrize(("changes", "message"), FAULTS)
def test_faults_are_named_with_their_path(changes: dict[str, Any], message: str) -> None:
    scenario_from(plain())
    with pytest.raises(ScenarioError, match=message):
        scenario_from(plain(**changes))


def test_a_value_that_may_be_a_password_is_not_repeated() -> None:
    with pytest.raises(ScenarioError) as refused:
        scenario_from(plain(users=[{"upn": "a@corp.example", "password": ["hush"]}]))
    assert "hush" not in str(refused.value)


def test_one_name_in_two_directories_is_refused() -> None:
    two = plain()
    two["directories"].append({**two["directories"][0], "id": OTHER_ID})
    with pytest.raises(ScenarioError, match=r"directories\[1\]\.domains\[0\]\.name: .* already used"):
        scenario_from(two)


def test_a_deleted_user_and_a_successor_of_the_same_name() -> None:
    users = [{"upn": "a@corp.example"}, {"upn": "a@corp.example", "deleted": "2026-01-01T00:00:00Z"}]
    first, second = scenario_from(plain(users=users)).directories[0].users
    assert first.object_id != second.object_id


def test_an_unknown_graph_property_is_refused() -> None:
    users = [{"upn": "a@corp.example", "properties": {"shoeSize": 42}}]
    with pytest.raises(ScenarioError, match="unknown Graph property 'shoeSize'"):
        World(scenario_from(plain(users=users)), lambda: NOW)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{", "is not valid json"),
        ("a.toml", "= 1", "is not valid toml"),
        ("none.json", None, "cannot be read"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(ScenarioError, match=message):
        load_scenario(tmp_path / name)
