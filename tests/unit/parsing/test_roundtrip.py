"""Random credentials, written in each dialect and read back: every field exactly, to the character."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from emberwatch.matching.domains import DomainSet
from emberwatch.parsing.base import ParseContext, ParsedCredential, Parser
from emberwatch.parsing.combo import ComboList
from emberwatch.parsing.credentials import NO_PASSWORD
from emberwatch.parsing.hashes import hash_shape
from emberwatch.parsing.line_cut import LABELS
from emberwatch.parsing.lines import split_lines
from emberwatch.parsing.stealer import StealerBlocks
from emberwatch.parsing.ulp import Ulp
from emberwatch.parsing.urls import is_url

WATCHED = DomainSet(["contoso.example"])
CONTEXT = ParseContext(is_ours=WATCHED.owns, hints=WATCHED.hints)

CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0\r\n\ufeff")
COMMON = st.sampled_from(list(":;|,\t @/.=#&?\"'<>[]()-_!$%üß✓aZ09"))


def is_usable(password: str) -> bool:
    real = password.strip().casefold() not in NO_PASSWORD
    return real and hash_shape(password) is None


passwords = (st.text(COMMON, min_size=1, max_size=12) | st.text(CHARACTERS, min_size=1, max_size=30)).filter(
    is_usable
)
logins = st.builds(
    "{}@{}contoso.example".format,
    st.from_regex(r"\A[a-z0-9][a-zA-Z0-9.'+_!#^~-]{0,12}[a-z0-9]\Z"),
    st.sampled_from(["", "mail.", "a.b.", "MAIL."]),
)
urls = st.sampled_from(
    [
        "https://a.test",
        "https://a.test/login",
        "http://a.test:8080/x?p=1&q=b",
        "https://203.0.113.9:8443/admin",
        "https://[2001:db8::1]/x",
        "https://bob@a.test/x#y",
        "https://xn--bcher-kva.test/",
        "https://contoso.example/login",
        "android://Zm9vYmFy-_9v==@com.app.name/",
        "chrome-extension://abcdefghijklmnop/popup.html",
        "ftp://files.a.test/",
        "a.test/login",
        "sub.a.test",
        "localhost:3000",
    ]
)
separators = st.sampled_from(list(":;|\t ,"))


def read(parser: Parser, text: str) -> tuple[str, str, str]:
    outcomes = parser.parse(split_lines([text.encode()]), CONTEXT)
    (found,) = [outcome for outcome in outcomes if isinstance(outcome, ParsedCredential)]
    return found.url, found.login, found.secret.expose()


def is_plain_after(separator: str, password: str) -> bool:
    """A blank before a password such as ``- x`` makes a separator of another sort."""
    return separator != " " or not (password[:1] in tuple(":;|,-") and password[1:2] == " ")


@given(urls, logins, passwords, separators)
def test_ulp(url: str, login: str, password: str, separator: str) -> None:
    assume(is_plain_after(separator, password))
    assert read(Ulp(), separator.join((url, login, password)) + "\n") == (url, login, password)


@given(urls, logins, passwords, separators)
def test_ulp_with_the_url_last(url: str, login: str, password: str, separator: str) -> None:
    assume("://" in url and "://" not in password and is_plain_after(separator, password + separator))
    assert read(Ulp(), separator.join((login, password, url)) + "\n") == (url, login, password)


@given(logins, passwords, separators)
def test_combo(login: str, password: str, separator: str) -> None:
    assume("://" not in password and is_plain_after(separator, password))
    assert read(ComboList(), f"{login}{separator}{password}\n") == ("", login, password)


@given(logins, passwords, separators)
def test_combo_with_the_password_first(login: str, password: str, separator: str) -> None:
    assume("@" not in password and "/" not in password)
    assume(separator != " " or not any(map(str.isspace, password)))
    assume(not password.endswith(tuple(":;|,-")) or separator != " ")
    assume(password.strip(":;|\t ,") != "" and not is_url(password, ""))
    others = "".join(f"pw{i}{separator}f{i}@x.test\n" for i in range(6))
    assert read(ComboList(), f"{others}{password}{separator}{login}\n") == ("", login, password)
    if separator != " " and password.strip(":;|\t ,").casefold() not in LABELS:
        assert read(ComboList(), f"{password}{separator}{login}\n") == ("", login, password)


BLOCKS = {
    "redline": "URL: {url}\nUsername: {login}\nPassword: {password}\nApplication: Chrome\n===============\n",
    "vidar": "Soft: Chrome [Default]\nHost: {url}\nLogin: {login}\nPassword: {password}\n\n\n",
    "raccoon2": "URL:{url}\nUSR:{login}\nPASS:{password}\n\n",
    "raccoon1": "browser: Chrome\nprofile: Default\nurl: {url}\nlogin: {login}\npassword: {password}\n\n",
    "logins": "USER LOGIN: {login}\nUSER PASSWORD: {password}\nHOSTNAME: {url}\n\n",
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS.keys())
@given(url=urls, login=logins, password=passwords)
def test_stealer_blocks(block: str, url: str, login: str, password: str) -> None:
    text = block.format(url=url, login=login, password=password)
    assert read(StealerBlocks(), text) == (url, login, password)
