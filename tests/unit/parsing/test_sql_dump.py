"""Dumps of several databases, whole, damaged, and longer than memory may hold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.parsing.base import ANYBODY, Foreign, Noise, Outcome, ParseContext, ParsedCredential, Reject
from emberwatch.parsing.registry import choose
from emberwatch.parsing.sql_dump import SqlDump

READER = SqlDump()


def outcomes(text: str | bytes, size: int = 1000, context: ParseContext = ANYBODY) -> list[Outcome]:
    data = text.encode() if isinstance(text, str) else text
    return list(READER.parse_stream(chunks(data, size), context))


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def pairs(found: list[Outcome]) -> list[tuple[str, str]]:
    return [(o.login, o.secret.expose()) for o in found if isinstance(o, ParsedCredential)]


DUMPS = {
    "mysql": (
        "-- MySQL dump\nCREATE TABLE `users` (\n `id` int(11) DEFAULT '1,2',\n `email` varchar(9) COMMENT 'x(y)',\n"
        " `pass` enum('a','b'),\n PRIMARY KEY (`id`)\n) ENGINE=InnoDB;\n/*!40000 x */;\n"
        r"INSERT INTO `users` VALUES (7,'u@x.test','X\'k2''9\\q'),(8,'v@x.test','a),(\nb;'),"
        "\n(9,'w@x.test',NULL);\n",
        [("u@x.test", "X'k2'9\\q"), ("v@x.test", "a),(\nb;")],
    ),
    "names": (
        "INSERT IGNORE INTO db.users (`Password`, `E-Mail`) VALUES ('p', 'u@x.test');\n", [("u@x.test", "p")]
    ),
    "double quotes": ('INSERT INTO `t` (`email`,`pass`) VALUES ("u@x.test","it\'s");\n', [("u@x.test", "it's")]),
    "postgresql": (
        "-- PostgreSQL database dump\nCOPY public.users (id, email, pass) FROM stdin;\n"
        "1\tu@x.test\tX\\\\k\\t2\n2\tv@x.test\t\\N\n\\.\nCOPY t (a) FROM stdin;\n1\n\\.\n",
        [("u@x.test", "X\\k\t2")],
    ),
    "plain backslashes": (
        "SET standard_conforming_strings = on;\nINSERT INTO u (email, password) VALUES ('u@x.test', 'C:\\');\n",
        [("u@x.test", "C:\\")],
    ),
    "sql server": (
        "INSERT [dbo].[U] ([Id], [Email], [Password]) VALUES (1, N'u@x.test', N'p\\''w')\nGO\n"
        "INSERT [dbo].[U] ([Id], [Email], [Password]) VALUES (2, N'v@x.test', CAST(N'z' AS nvarchar(5)))\nGO\n",
        [("u@x.test", "p\\'w"), ("v@x.test", "z")],
    ),
    "sqlite": (
        'PRAGMA foreign_keys=OFF;\nCREATE TABLE "u"(id INTEGER, email TEXT, password TEXT);\n'
        "INSERT INTO u VALUES(1,'u@x.test','a\\');\n",
        [("u@x.test", "a\\")],
    ),
    "assignments": (
        "INSERT INTO u SET id = 7, `email` = 'u@x.test', pass='a;,\\'b'\nON DUPLICATE KEY UPDATE id = 7;\n"
        "REPLACE u SET email='v@x.test',\n pass = 'c'",
        [("u@x.test", "a;,'b"), ("v@x.test", "c")],
    ),
    "no names at all": (
        "INSERT INTO t VALUES (1,'u@x.test','hunter2!','2020-01-01'),(2,'v@x.test','hunter3!','2020-01-01');\n",
        [("u@x.test", "hunter2!"), ("v@x.test", "hunter3!")],
    ),
    "hexadecimal": (
        "INSERT INTO `t` (email, hash) VALUES ('u@x.test', 0x00ff00ff00ff00ff00ff00ff00ff00ff),('v@x.test',X'6162');\n",
        [("u@x.test", "00ff00ff00ff00ff00ff00ff00ff00ff"), ("v@x.test", "ab")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("dump", DUMPS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_every_database(dump: str, size: int) -> None:
    text, found = DUMPS[dump]
    assert pairs(outcomes(text, size)) == found
    assert choose(text.encode(), "x.txt").name == "sql"


def test_lines_are_counted_and_other_tables_are_noise() -> None:
    found = outcomes("INSERT INTO `posts` VALUES (1,'x');\n" + DUMPS["mysql"][0])
    assert found[0] == Noise(1)
    assert [o.line for o in found[1:]] == [10, 10, 11]


def test_a_damaged_row_is_counted_and_the_next_statement_read() -> None:
    good = "INSERT INTO `u` (email, password) VALUES ('{}@x.test', 'p');\n"
    found = outcomes(good.format("a").replace("'p'", "'p") + good.format("b") + good.format("c"))
    assert isinstance(found[0], Reject)
    assert pairs(found) == [("b@x.test", "p"), ("c@x.test", "p")]


def test_a_statement_of_megabytes_streams() -> None:
    rows = ",".join(f"({i},'u{i}@x.test','p(\\'{i}')" for i in range(60_000))
    found = outcomes(f"INSERT INTO `u` (`id`,`email`,`pass`) VALUES {rows};\n", 65_536)
    assert len(found) == 60_000 and pairs(found[-1:]) == [("u59999@x.test", "p('59999")]


def test_hints_change_no_outcome() -> None:
    def ours(login: str) -> bool:
        return login.endswith("@contoso.example")

    rows = "('f@x.test','p'),('u@contoso.example','p'),('v\\@contoso.example','p'),('',''),(NULL,NULL)"
    text = f"INSERT INTO `u` (`email`,`pass`) VALUES {rows};\n"
    plain = outcomes(text, context=ParseContext(is_ours=ours))
    hinted = outcomes(text, context=ParseContext(is_ours=ours, hints=(b"@contoso.example",)))
    assert repr(plain) == repr(hinted)
    assert pairs(plain) == [("u@contoso.example", "p"), ("v@contoso.example", "p")]
    assert plain[0] == Foreign(1)


def test_columns_are_named_by_table_and_can_be_put_right() -> None:
    text = "INSERT INTO `u` (`email`,`word`) VALUES ('u@x.test','hunter2');\n"
    columns = READER.columns(text.encode())
    assert columns is not None
    assert [(c.name, c.samples) for c in columns.columns] == [("u.email", ("█@█.█",)), ("u.word", ("█",))]
    right = columns.corrected({"u.word": "password"})
    assert pairs(outcomes(text, context=ParseContext(columns=right))) == [("u@x.test", "hunter2")]


PARTS = [
    "INSERT INTO `t` ", "(email,pass) ", "VALUES ", "(", ")", "'", "''", "\\", ",", ";", "\n", "'a@b.cd'", "NULL",
    "\\.\n", "COPY t (email, pass) FROM stdin;\n", "a@b.cd\tpw\n", "CREATE TABLE t (", "email text",
]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=30))
def test_how_the_file_is_cut_changes_nothing(parts: list[str]) -> None:
    text = "".join(parts)
    assert repr(outcomes(text, 1)) == repr(outcomes(text, 1000))
