"""Password files of stealer logs, by shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from emberwatch.matching.domains import DomainSet
from emberwatch.parsing.base import (
    ANYBODY,
    Flag,
    Foreign,
    Outcome,
    ParseContext,
    ParsedCredential,
    Reject,
    RejectReason,
    SecretKind,
)
from emberwatch.parsing.lines import MAX_LINE, split_lines
from emberwatch.parsing.stealer import StealerBlocks

U = "u@contoso.example"
A = "https://a.test/"
OURS = ParseContext(is_ours=DomainSet(["contoso.example"]).owns)

DIALECTS = {
    "redline": "URL: {a}\nUsername: {u}\nPassword: {p}\nApplication: Chrome\n===============\n",
    "raccoon1": "browser: Chrome\nprofile: Default\nurl: {a}\nlogin: {u}\npassword: {p}\n\n",
    "raccoon2": "URL:{a}\nUSR:{u}\nPASS:{p}\n\n",
    "vidar": "Soft: Google Chrome [Default]\nHost: {a}\nLogin: {u}\nPassword: {p}\n\n\n",
    "lumma": "SOFT: Chrome (Default)\nURL: {a}\nUSER: {u}\nPASS: {p}\n\n",
    "risepro": "Storage: Microsoft Edge [Default]\nURL: {a}\nLogin: {u}\nPassword: {p}\n\n",
    "aurora": "Browser: Chrome\nURL: {a}\nLogin: {u}\nPassword: {p}\n-------------\n",
    "mystic": "Application: Edge\nHostname: {a}\nLogin: {u}\nPass: {p}\n\n",
    "cryptbot": "Browser: Chrome\nUrl: {a}\nUsername: {u}\nPassword: {p}\n\n",
    "rhadamanthys": "URL: {a}\nUsername: {u}\nPassword: {p}\n\n",
    "leet": "UR1: {a}\nU53RN4M3: {u}\nP455W0RD: {p}\n\n",
    "logins": "USER LOGIN: {u}\nUSER PASSWORD: {p}\nHOSTNAME: {a}\n\n",
    "dashes": "- URL: {a}\n- Username: {u}\n- Password: {p}\n***\n",
    "inner blank": "Soft: Chrome\n\nURL: {a}\nLogin: {u}\nPassword: {p}\n\n\n",
    "quoted browser": '["Chrome" = "Default"]\nURL: {a}\nLogin: {u}\nPassword: {p}\n\n',
    "no separators": "URL: {a}\nLogin: {u}\nPassword: {p}\n",
    "indented": "\tURL: {a}\n\tLogin: {u}\n\tPassword: {p}\n\n",
}
PASSWORDS = ["Xk2:9q", "k:V7;pLm qZ", "URL: x", "Password: y", 'a=b\t"c"\'', " edge ", "===", "---", "ü✓"]


def parse(text: str | bytes, context: ParseContext = ANYBODY) -> list[Outcome]:
    data = text.encode() if isinstance(text, str) else text
    return list(StealerBlocks().parse(split_lines([data]), context))


def credentials(outcomes: Sequence[Outcome]) -> list[ParsedCredential]:
    return [outcome for outcome in outcomes if isinstance(outcome, ParsedCredential)]


def rejects(outcomes: Sequence[Outcome]) -> list[RejectReason]:
    return [outcome.reason for outcome in outcomes if isinstance(outcome, Reject)]


@pytest.mark.parametrize(
    "banner", ["", "*****\n*  BANNER  t.test/x  *\n*****\n\n", "( M | E | T | A )\n|  Free logs: @x  |\n"]
)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())
def test_every_dialect_gives_every_password_exactly(dialect: str, banner: str) -> None:
    text = banner + "".join(
        dialect.format(a=f"{A}{i}", u=f"u{i}@contoso.example", p=password)
        for i, password in enumerate(PASSWORDS)
    )
    found = credentials(parse(text))
    assert [(c.url, c.login, c.secret.expose()) for c in found] == [
        (f"{A}{i}", f"u{i}@contoso.example", password) for i, password in enumerate(PASSWORDS)
    ]
    assert rejects(parse(text)) == []


@pytest.mark.parametrize(
    ("name", "application"),
    [
        ("redline", "Chrome"),
        ("raccoon1", "Chrome [Default]"),
        ("vidar", "Google Chrome [Default]"),
        ("inner blank", "Chrome"),
        ("quoted browser", "Chrome [Default]"),
        ("leet", ""),
    ],
)
def test_the_software_is_named(name: str, application: str) -> None:
    (found,) = credentials(parse(DIALECTS[name].format(a=A, u=U, p="pw")))
    assert found.application == application


def test_the_line_is_that_of_the_blocks_beginning() -> None:
    text = "\nbanner\n\n" + DIALECTS["redline"].format(a=A, u=U, p="pw") * 2
    assert [found.line for found in credentials(parse(text))] == [4, 9]


def test_a_last_block_without_an_end_is_read() -> None:
    assert len(credentials(parse(f"URL: {A}\nUsername: {U}\nPassword: pw"))) == 1


def test_line_ends_of_every_sort() -> None:
    text = DIALECTS["redline"].format(a=A, u=U, p="p w ")
    for end in ("\n", "\r\n", "\r"):
        (found,) = credentials(parse(text.replace("\n", end)))
        assert found.secret.expose() == "p w "


@pytest.mark.parametrize(
    "value", ["", " ", "[NOT_SAVED]", "UNKNOWN", "N/A", "none", "(none)", "[empty]", "null"]
)
def test_a_value_that_stands_for_nothing_is_no_password(value: str) -> None:
    outcomes = parse(f"URL: {A}\nUsername: {U}\nPassword: {value}\n===============\n", OURS)
    assert rejects(outcomes) == [RejectReason.NO_PASSWORD]
    assert credentials(outcomes) == []


def test_incomplete_blocks_are_rejected_with_their_reason() -> None:
    assert rejects(parse(f"URL: {A}\nUsername: {U}\n===\nURL: {A}\nUsername: \nPassword: p\n===\n")) == [
        RejectReason.NO_PASSWORD,
        RejectReason.NO_LOGIN,
    ]
    assert rejects(parse(f"URL: {A}\n===\n")) == [RejectReason.NO_LOGIN]
    assert rejects(parse("Soft: Chrome\n\n===\n")) == []


def test_a_foreign_login_is_foreign_whatever_its_password() -> None:
    text = f"URL: https://contoso.example/\nUsername: f@x.test\nPassword: {U}\n===\nURL: {A}\nUsername: f\n"
    assert [outcome for outcome in parse(text, OURS) if isinstance(outcome, Foreign)] == [
        Foreign(1),
        Foreign(5),
    ]
    assert credentials(parse(text, OURS)) == []


def test_a_value_on_the_next_line_is_a_second_candidate() -> None:
    block = f"URL: android://Zm9v==@com.app/\nUsername: {U}\nPassword: {{}}\nnext-line\n===\n"
    (alone,) = credentials(parse(block.format("")))
    assert (alone.secret.expose(), alone.flags) == ("next-line", (Flag.SECOND_CANDIDATE,))
    first, second = credentials(parse(block.format("first")))
    assert (first.secret.expose(), first.flags) == ("first", ())
    assert (second.secret.expose(), second.flags) == ("next-line", (Flag.SECOND_CANDIDATE,))
    assert rejects(parse(block.format(""))) == []


@pytest.mark.parametrize(
    "watermark", ["@synthetic_channel", "*** t.me/synthetic ***", "| Free logs: @x |", "=====", ""]
)
def test_a_watermark_after_the_password_is_no_candidate(watermark: str) -> None:
    text = f"URL: {A}\nUsername: {U}\nPassword: pw\n{watermark}\nApplication: Chrome\n===\n"
    assert [found.secret.expose() for found in credentials(parse(text))] == ["pw"]


def test_a_decoy_holds_nothing_and_rejects_nothing() -> None:
    outcomes = parse("*****\nBuy fresh logs\nSeller: @x\nLog Tools: none\nt.me/x\n*****\n")
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"Noise": 6}


def test_an_overlong_line_costs_only_itself() -> None:
    text = "Password: " + "x" * MAX_LINE + "\n===\n" + DIALECTS["redline"].format(a=A, u=U, p="pw")
    assert rejects(parse(text)) == [RejectReason.LINE_TOO_LONG]
    assert len(credentials(parse(text))) == 1


def test_hashes_and_encodings_are_noticed() -> None:
    (hashed,) = credentials(parse(DIALECTS["redline"].format(a=A, u=U, p="0" * 40)))
    assert (hashed.kind, hashed.hash_types) == (SecretKind.HASH, ("sha1",))
    (other,) = credentials(parse(f"URL: {A}\nLogin: {U}\nPassword: p".encode() + b"\xe4\n"))
    assert (other.secret.expose(), other.flags) == ("pä", (Flag.DECODED_CP1252,))
    (edge,) = credentials(parse(f"URL: {A}\nLogin: {U}\nPassword:  pw\n"))
    assert (edge.secret.expose(), edge.flags) == (" pw", (Flag.BLANK_EDGE,))


def test_a_second_name_for_the_login_belongs_to_the_same_block() -> None:
    (found,) = credentials(parse(f"URL: {A}\nLogin: jdoe\nEmail: {U}\nPassword: pw\n\n"))
    assert found.login == "jdoe"


def test_a_key_that_came_before_begins_the_next_block_though_this_one_lacks_a_password() -> None:
    first, second = f"URL: {A}\nLogin: {U}\n", f"URL: {A}2\nLogin: v@contoso.example\nPassword: pw\n"
    outcomes = parse(first + second)
    assert rejects(outcomes) == [RejectReason.NO_PASSWORD]
    assert [(c.login, c.url, c.line) for c in credentials(outcomes)] == [("v@contoso.example", f"{A}2", 3)]


def test_blocks_that_lack_a_field_keep_apart_without_separators() -> None:
    text = f"URL: {A}1\nLogin: u@x.test\nPassword: p1\nLogin: v@x.test\nPassword: p2\nURL: {A}3\nLogin: w@x.test\n"
    found = credentials(parse(text + "Password: p3\n"))
    assert [(c.login, c.secret.expose(), c.url) for c in found] == [
        ("u@x.test", "p1", f"{A}1"),
        ("v@x.test", "p2", ""),
        ("w@x.test", "p3", f"{A}3"),
    ]


def test_lines_with_other_keys_are_no_second_candidates_and_a_tab_may_stand_for_the_blank() -> None:
    (found,) = credentials(
        parse(f"URL:\t{A}\nLogin:\t{U}\nPassword:\t\tpw\nLast used: 2024-01-01\nNote: x\n\n")
    )
    assert (found.login, found.secret.expose()) == (U, "\tpw")


@pytest.mark.parametrize("text", ["login:pass", "Password: y", "user:pw\npass:x@y.test"])
def test_a_few_words_that_look_like_keys_make_no_log(text: str) -> None:
    lines = "\n".join(f"pw{i}:f{i}@x.test" for i in range(20))
    assert StealerBlocks().sniff(f"{text}\n{lines}".encode(), "x.txt") == 0.0


@pytest.mark.parametrize("filler", [" ", "\t", " |", "a", "-> ", "|,;"])
def test_the_longest_lines_are_read_like_others(filler: str) -> None:
    """Whatever they are full of: a pattern whose work grows with the square of it would not come back from them."""
    line = f"URL: {filler * (MAX_LINE // len(filler))}"[:MAX_LINE]
    (found,) = credentials(parse(f"{line}\nLogin: u@contoso.example\nPassword: pw\n"))
    assert (found.login, found.secret.expose(), found.url) == ("u@contoso.example", "pw", line[4:].strip())
