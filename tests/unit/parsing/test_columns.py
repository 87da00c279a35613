"""Column maps: what names mean, and what may be sent back."""

from __future__ import annotations

import pytest

from emberwatch.core.errors import BadInput
from emberwatch.parsing.column_content import told_by_content
from emberwatch.parsing.column_names import named_columns, role_and_rank
from emberwatch.parsing.columns import Column, ColumnMap, Role

MAP = ColumnMap((Column("email", Role.LOGIN), Column("pw", Role.PASSWORD, ("█",)), Column("x")), ",", True)


def test_it_survives_json() -> None:
    assert ColumnMap.from_dict(MAP.as_dict()) == MAP


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"columns": 7},
        {"columns": [{"role": "login"}]},
        {"columns": [{"name": "a", "role": "nonsense"}]},
        {"columns": [{"name": "a", "role": "login"}]},
        {"columns": [], "delimiter": "ab"},
        {"columns": [], "header": "yes"},
    ],
)
def test_what_cannot_be_read_is_refused(data: object) -> None:
    with pytest.raises(BadInput):
        ColumnMap.from_dict(data)


def test_corrections() -> None:
    assert MAP.corrected(["user_name", "hash", "salt"]).columns[1].role is Role.HASH
    assert MAP.corrected({"x": "url"}).columns[0].role is Role.LOGIN
    for wrong in (["login"], {"email": "ignored"}, {"x": "magic"}):
        with pytest.raises(BadInput):
            MAP.corrected(wrong)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("E-Mail", Role.LOGIN),
        ("email_address", Role.LOGIN),
        ("User Name", Role.USER_NAME),
        ("members_pass_salt", Role.SALT),
        ("`user_pass`", Role.PASSWORD),
        ("encrypted_password", Role.HASH),
        ("login_uri", Role.URL),
        ("colour", Role.IGNORED),
    ],
)
def test_names(name: str, role: Role) -> None:
    assert role_and_rank(name)[0] is role


def test_of_several_sites_the_best_is_one_and_a_lone_user_name_is_the_login() -> None:
    found = [column.role for column in named_columns(["domain", "url", "title", "username", "password"])]
    assert found == [Role.IGNORED, Role.URL, Role.IGNORED, Role.LOGIN, Role.PASSWORD]
    assert named_columns(["name", "title", "email"])[1].role is Role.SOURCE


def test_content_without_a_login_tells_nothing() -> None:
    assert {column.role for column in told_by_content([["1", "a"], ["2", "b"]], 2)} == {Role.IGNORED}
