"""Delimited tables: how they are recognised, what their columns hold, fields to the character."""

from __future__ import annotations

import pytest

from emberwatch.parsing.base import ParseContext, ParsedCredential, Reject, RejectReason
from emberwatch.parsing.columns import ColumnMap, Role
from emberwatch.parsing.csv_fields import Dialect, split
from emberwatch.parsing.csv_table import CsvTable
from emberwatch.parsing.lines import split_lines
from emberwatch.parsing.registry import choose

TABLE = CsvTable()


def read(text: str, context: ParseContext | None = None) -> list[ParsedCredential]:
    outcomes = TABLE.parse(split_lines([text.encode()]), context or ParseContext())
    return [outcome for outcome in outcomes if isinstance(outcome, ParsedCredential)]


def pairs(text: str, context: ParseContext | None = None) -> list[tuple[str, str]]:
    return [(found.login, found.secret.expose()) for found in read(text, context)]


def roles(text: str) -> list[str]:
    columns = TABLE.columns(text.encode())
    return [column.role.value for column in columns.columns] if columns else []


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a,b", ["a", "b"]),
        ('"a,b",c', ["a,b", "c"]),
        ('"a""b",c', ['a"b', "c"]),
        ('a"b,c', ['a"b', "c"]),
        ('"a"b,c', ['"a"b', "c"]),
        ("a,", ["a", ""]),
        (",", ["", ""]),
        ('"",""', ["", ""]),
        ('="007",b', ["007", "b"]),
        ('"a', None),
        ('x,"a', None),
        ('"a\nb",c', ["a\nb", "c"]),
    ],
)
def test_fields(text: str, fields: list[str] | None) -> None:
    assert split(text, Dialect(",")) == fields


def test_backslashes_protect_only_where_the_file_says_so() -> None:
    assert split('"a\\"b","c\\\\"', Dialect(",", backslash=True)) == ['a"b', "c\\"]
    assert split('"C:\\",x', Dialect(",")) == ["C:\\", "x"]
    escaped = '"1","u@x.test","p\\"w","n"\n"2","v@x.test","C:\\\\","n"\n'
    assert pairs(escaped) == [("u@x.test", 'p"w'), ("v@x.test", "C:\\")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter_with_names(delimiter: str) -> None:
    text = "\n".join(
        delimiter.join(row) for row in (("ID", "E-Mail", "User_Name", "thing"), ("1", "u@x.test", "u", "p:w"))
    )
    assert roles(text.replace("thing", "pass wd")) == ["ignored", "login", "user_name", "password"]
    text = text.replace("thing", "PassWd")
    assert pairs(text) == [("u@x.test", "p:w")]
    assert choose(text.encode(), "x.txt").name == "csv"


def test_rows_over_lines_and_rows_that_only_look_so() -> None:
    over_lines = 'email,password,note\nu@x.test,"a\nb","c\nd"\nv@x.test,w,\n'
    assert pairs(over_lines) == [("u@x.test", "a\nb"), ("v@x.test", "w")]
    assert pairs('email,password\nu@x.test,"open\nv@x.test,w\n') == [("u@x.test", '"open'), ("v@x.test", "w")]


def test_a_stated_delimiter_a_banner_and_a_second_header() -> None:
    assert pairs("sep=;\nemail;password\nu@x.test;a,b\n") == [("u@x.test", "a,b")]
    assert pairs("Exported by hand\nemail,password\nu@x.test,w\n") == [("u@x.test", "w")]
    joined = "email,password\nu@x.test,w\npassword,email\nz,v@x.test\n"
    assert pairs(joined) == [("u@x.test", "w"), ("v@x.test", "z")]


def test_careless_writers() -> None:
    assert pairs("id,email,password,site\n1,u@x.test,p,w,q,a.test\n") == [("u@x.test", "p,w,q")]
    assert pairs("email,password\nu@x.test\nv@x.test,w,\n")[-1][0] == "v@x.test"
    assert pairs("email,password\nu@x.test,'=1+1\n") == [("u@x.test", "=1+1")]
    assert pairs('email,password\nu@x.test,"=""007"""\n') == [("u@x.test", "007")]


def test_what_stands_beside_a_credential() -> None:
    row = f"forum;2022-02-03;u@x.test;{'0' * 32};ab;https://a.test"
    (found,) = read(f"Database;Breach_Date;E-mail;hash;salt;url\n{row}\n")
    assert (found.source, found.url, found.hash_types) == ("forum", "https://a.test", ("md5", "ntlm"))
    assert found.salt is not None and found.salt.expose() == "ab"
    assert found.dated is not None and (found.dated.name, found.dated.text) == ("Breach_Date", "2022-02-03")
    assert found.dated.day is not None and found.dated.at is None


def test_a_plaintext_is_better_than_a_hash_and_a_hash_column_holds_hashes_of_any_sort() -> None:
    both = "email,password,password_plaintext\nu@x.test,{},hunter2\nv@x.test,{},\n".format("a" * 32, "b" * 32)
    first, second = read(both)
    assert (first.secret.expose(), first.kind.value) == ("hunter2", "plaintext")
    assert (second.secret.expose(), second.kind.value) == ("b" * 32, "hash")
    (odd,) = read("email,password_hash\nu@x.test,Zm9vYmFyYmF6cXV4Cg==\n")
    assert odd.kind.value == "hash"


def test_names_are_not_needed() -> None:
    text = "".join(f'"{i}","u{i}@x.test","p,w{i}!","Ann","2020-01-0{i}"\n' for i in range(1, 6))
    assert roles(text) == ["ignored", "login", "password", "ignored", "ignored"]
    assert pairs(text)[0] == ("u1@x.test", "p,w1!")
    assert choose(text.encode(), "x.txt").name == "csv"


def test_a_person_can_put_the_columns_right() -> None:
    text = "email,word,kind\nu@x.test,hunter2,x\n"
    found = TABLE.columns(text.encode())
    assert found is not None
    other = ParseContext(columns=found.corrected({"word": "ignored", "kind": "hash"}))
    assert pairs(text, other) == [("u@x.test", "x")]
    right = found.corrected({"word": "password"})
    assert right.columns[1].samples == ("█",)
    assert pairs(text, ParseContext(columns=ColumnMap.from_dict(right.as_dict()))) == [
        ("u@x.test", "hunter2")
    ]
    headless = ColumnMap.from_dict({"columns": [{"name": "1", "role": "password"}, {"name": "2", "role": "login"}],
                                    "delimiter": ";", "header": False})  # fmt: skip
    assert pairs("hunter2;u@x.test\n", ParseContext(columns=headless)) == [("u@x.test", "hunter2")]
    assert right.places(Role.LOGIN) == (0,)


def test_a_table_that_nobody_can_read_says_so() -> None:
    (outcome,) = TABLE.parse([b"nothing here"], ParseContext())
    assert isinstance(outcome, Reject) and outcome.reason is RejectReason.UNREADABLE
