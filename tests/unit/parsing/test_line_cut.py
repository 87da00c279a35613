from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emberwatch.parsing.line_cut import Order, Profile, cut, cut_with_care, stray_logins

U = "u@contoso.example"
URLS = st.sampled_from(
    [
        "https://a.test", "https://a.test/login", "http://a.test:8443/x", "a.test/login", "a.test", "A.b-c.test:80/",
        "https://a.test/?next=%2Fhome", "a.test/signup?x=1&y=2", "android://Zm9v-_YmFy==@com.app.name/", "ftp://a.test",
        "https://bob@a.test/x", "https://bob:pw@a.test", "https://intranet", "10.0.0.1/x", "localhost:3000", "a.t1",
        "https://a.test/#x", "https://a.test/a:b/login", "android://a:b@com.app", "xn--a.test/", "b\u00fccher.test/x",
    ]
)  # fmt: skip
PARTS = st.one_of(
    URLS,
    st.sampled_from(
        [*":;|\t ,", ":", ":", ":", U, U, "name", "p:w", "secret", "@", "/", "?", "#", "\n", "\u00a0"]
    ),
)
PROFILES = st.sampled_from(
    [
        Profile(),
        Profile(login_first=True, site_sometimes=False, separator=":"),
        Profile(site_last=True),
        Profile(separator="|"),
        Profile(secret_first=True),
        Profile(padded=True),
    ]
)

URL_FIRST = [
    ("https://a.test/login", "Xk2:9q"),
    ("https://a.test:8443/x?p=1:2", "pw"),
    ("a.test/login", "pw"),
    ("https://203.0.113.9:8443/admin", "pw"),
    ("https://[2001:db8::1]:8443/x", "pw"),
    ("https://bob@a.test/x", "pw"),
    ("https://bob:sec@a.test/x", "pw"),
    ("https://bob:sec@a.test", "pw"),
    ("android://Zm9v-_YmFy==@com.app.name/", "pw"),
    ("chrome-extension://abcdefghijklmnop/popup.html", "pw"),
    ("moz-extension://abcdefghijklmnop", "pw"),
    ("oauth://x.test", "pw"),
    ("ftp://files.test", "pw"),
    ("file:///C:/Users/x.html", "pw"),
    ("about:blank", "pw"),
    ("localhost:3000", "pw"),
    ("https://intranet", "pw"),
    ("https://a.test/a:b/login", "pw"),
    ("https://bücher.test/x", "pw"),
    ("https://a.test/?next=https://contoso.example/", "pw"),
    ("https://a.test/x", " p w "),
    ("https://a.test/x", "x@y.test:z"),
    ("https://a.test/x", "p:https://b.test"),
]


@pytest.mark.parametrize(("url", "password"), URL_FIRST)
def test_url_login_password(url: str, password: str) -> None:
    found = cut(f"{url}:{U}:{password}")
    assert found and (found.url, found.login, found.password) == (url, U, password)


@pytest.mark.parametrize("separator", [":", ";", "|", "\t", " ", ",", " : ", " | ", " ; ", " - "])
@pytest.mark.parametrize("url", ["https://a.test/x", "https://a.test:8443/", "a.test/x"])
def test_every_separator(separator: str, url: str) -> None:
    password = f"p{separator}w:;|"
    for text, found_url in (
        (f"{url}{separator}{U}{separator}{password}", url),
        (f"{U}{separator}{password}", ""),
    ):
        found = cut(text)
        assert found and (found.url, found.login, found.password) == (found_url, U, password)


@pytest.mark.parametrize(
    ("text", "url", "password"),
    [
        (f"{U}:pw:https://a.test/login", "https://a.test/login", "pw"),
        (f"{U}:p:w:https://a.test:8443/login", "https://a.test:8443/login", "p:w"),
        (f"{U};pw;android://Zm9v==@com.app/", "android://Zm9v==@com.app/", "pw"),
        (f"{U}:https://a.test/x:pw", "https://a.test/x", "pw"),
        (f"https://a.test/x {U}:p w", "https://a.test/x", "p w"),
        (f":{U}:pw", "", "pw"),
        (f"  {U}:pw ", "", "pw "),
    ],
)
def test_other_orders(text: str, url: str, password: str) -> None:
    found = cut(text)
    assert found and (found.login, found.url, found.password) == (U, url, password)


@pytest.mark.parametrize("password", ["pw", "p:w", "john.doe", "P@ssw0rd", "P@ss:x@y", "p w"])
def test_password_first(password: str) -> None:
    found = cut(f"{password}:{U}")
    assert found and (found.login, found.password, found.order) == (U, password, Order.SECRET_FIRST)


@pytest.mark.parametrize(
    ("text", "login"),
    [
        (f"https://a.test/login:f@x.test:{U}", "f@x.test"),
        (f"https://a.test/login:f@x.test:{U}:pw", "f@x.test"),
        (f"https://a.test:f@x.test:{U}:pw", "f@x.test"),
        (f"f@x.test:{U}", "f@x.test"),
        (f"https://contoso.example/?u={U}:f@x.test:pw", "f@x.test"),
        (f"https://a.test/login:jdoe:{U}", "jdoe"),
        (f"https://a.test/x?p=1:jdoe:{U}", "jdoe"),
        (f"https://a.test/login:jdoe:{U}:pw", "jdoe"),
        (f"a.test/login:jdoe:{U}:pw", "jdoe"),
        (f"https://a.test/login:jdoe:a {U}", "jdoe"),
        ("https://vpn.contoso.example/:jdoe:pw", "jdoe"),
        ("https://a.test/:CONTOSO\\jdoe:pw", "CONTOSO\\jdoe"),
        ("CONTOSO\\jdoe:pw", "CONTOSO\\jdoe"),
        ("https://a.test/:+4915112345678:pw", "+4915112345678"),
        (f"https://a.test/:{U}.:pw", f"{U}."),
        ("https://a.test/:jdoe@contoso.local:pw", "jdoe@contoso.local"),
        ("https://a.test/:jdoe@contoso:pw", "jdoe@contoso"),
    ],
)
def test_the_login_field_is_found_whoever_it_names(text: str, login: str) -> None:
    found = cut(text)
    assert found and found.login == login


@pytest.mark.parametrize("text", [U, f"https://a.test/x:{U}"])
def test_a_login_alone_has_no_password(text: str) -> None:
    found = cut(text)
    assert found and (found.login, found.password) == (U, None)


@pytest.mark.parametrize(
    "text",
    [f"jdoe:{U}:pw", f"https://a.test/login;jdoe:{U} pw", f'"{U}","pw"', "", "no entry", "https://a.test/x"],
)
def test_what_has_no_sound_reading_is_not_cut(text: str) -> None:
    assert cut(text) is None


@pytest.mark.parametrize(
    "text",
    [f'"{U}","pw"', f"<mail>{U}</mail>", f"{U}~pw", f"user={U}&pass=pw", f"a#{U}^pw", f"{'x' * 65_000} {U}"],
)
def test_an_address_is_noticed_whatever_stands_around_it(text: str) -> None:
    assert stray_logins(text) == [U]


def test_only_addresses_are_noticed() -> None:
    assert stray_logins(f"{U}.evil.test~pw {U}-x.test {U}2 @{U[2:]}") == [
        f"{U}.evil.test", f"{U}-x.test",
    ]  # fmt: skip
    assert stray_logins("https://bob@contoso.example/x:jdoe:pw") == []


def test_the_files_habits_settle_what_a_line_cannot() -> None:
    line = f"f@x.test:{U}"
    assert cut(line) != cut(line, Profile(secret_first=True))
    first = cut(line, Profile(secret_first=True))
    assert first and (first.login, first.password) == (U, "f@x.test")
    named = cut(f"jdoe:abc@{U[2:]}", Profile(login_first=True))
    assert named and (named.login, named.order) == ("jdoe", Order.NAME_ONLY)
    with_url = cut(f"https://a.test/x:pw:{U}", Profile(secret_first=True))
    assert with_url and (with_url.url, with_url.password) == ("https://a.test/x", "pw")
    padded = cut(f"{U}:  pw", Profile(padded=True))
    assert padded and padded.password == " pw"


@pytest.mark.parametrize(
    ("rest", "password", "site"),
    [
        ("pw:a.test/login", "pw", "a.test/login"),
        ("p:w:a.test:8443/x", "p:w", "a.test:8443/x"),
        ("pw:sub.a.test", "pw", "sub.a.test"),
        ("no-site", "no-site", ""),
    ],
)
def test_a_site_without_scheme_at_the_end(rest: str, password: str, site: str) -> None:
    found = cut(f"{U}:{rest}", Profile(site_last=True))
    assert found and (found.password, found.url) == (password, site)


@pytest.mark.parametrize(
    "line",
    [
        "a@b:" * 16_000,
        ":" * 60_000,
        "http://a b" + " " * 60_000,
        "a." * 30_000 + ":" + U,
        f"{U}:" + "a.b:" * 15_000,
        "x" * 60_000,
        " " * 60_000 + U,
        "@" * 60_000,
        "http://" * 9_000,
        f"http://a?{':' * 50_000}{U}:pw",
        f"{U} - " + " - " * 20_000,
    ],
    ids=lambda line: line[:12],
)
def test_hostile_lines_cost_no_more_than_their_length(line: str) -> None:
    for profile in (Profile(), Profile(secret_first=True, site_last=True), Profile(login_first=True)):
        cut(line, profile)


@settings(max_examples=2000)
@given(st.lists(PARTS, max_size=7).map("".join), PROFILES)
@example(f"https://a.test/#x:{U}:pw", Profile())
@example(f"a.test/login:{U}:pw", Profile())
@example(f"a.t1:{U}:pw", Profile())
@example(f"pass.word:{U}", Profile())
@example(f"https://a.test:{U}: pw", Profile(padded=True))
@example(f"{U}:{U}", Profile(secret_first=True))
@example(f"https://a.test/?x#y:{U}:pw", Profile())
@example(f"bob@a.test/:{U}:pw", Profile())
@example(f"android://Zm9v==@com.app.name/:{U}:pw", Profile())
def test_usual_lines_are_cut_as_all_others_are(text: str, profile: Profile) -> None:
    assert cut(text, profile) == cut_with_care(text, profile)
