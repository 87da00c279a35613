from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.core.errors import BadInput
from emberwatch.matching.domains import DomainSet, canonical_login, login_domain, normalise_domain

WATCHED = DomainSet(["contoso.example", "Bücher.example", "eu.contoso.example"])


@pytest.mark.parametrize(
    ("login", "domain"),
    [
        ("mira.holt@contoso.example", "contoso.example"),
        ("Mira.Holt@CONTOSO.Example", "contoso.example"),
        (" u@contoso.example ", "contoso.example"),
        ("u@mail.contoso.example", "contoso.example"),
        ("u@a.b.c.contoso.example", "contoso.example"),
        ("u@eu.contoso.example", "eu.contoso.example"),
        ("u@x.eu.contoso.example", "eu.contoso.example"),
        ("u@bücher.example", "xn--bcher-kva.example"),
        ("u@BÜCHER.example", "xn--bcher-kva.example"),
        ("u@bu\u0308cher.example", "xn--bcher-kva.example"),
        ("u@XN--bcher-KVA.example", "xn--bcher-kva.example"),
        ("o'brien+tag@contoso.example", "contoso.example"),
    ],
)
def test_ours(login: str, domain: str) -> None:
    assert WATCHED.match(login) == domain
    assert WATCHED.owns(login)


@pytest.mark.parametrize(
    "login",
    [
        "u@notcontoso.example",
        "u@contoso.example.evil.test",
        "u@contoso-example.test",
        "u@contoso.examples",
        "u@ontoso.example",
        "u@example",
        "u@contoso.example.",
        "u@.contoso.example",
        "u@mail..contoso.example",
        "u@c\u043entoso.example",  # Cyrillic o
        "u@\uff43ontoso.example",  # full-width c
        "u@contoso\u3002example",  # ideographic full stop
        "u@conto\u017fo.example",  # long s
        "u@x@contoso.example",
        "@contoso.example",
        "contoso.example",
        "CONTOSO\\u",
        "+4915112345678",
        "",
        "u@" + "a" * 64 + ".contoso.example",
    ],
)
def test_not_ours(login: str) -> None:
    assert WATCHED.match(login) is None


def test_the_kelvin_sign_is_no_k() -> None:
    watched = DomainSet(["kontoso.example"])
    assert watched.match("u@Kontoso.example") == "kontoso.example"
    assert watched.match("u@\u212aontoso.example") is None


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        (" Contoso.Example ", "contoso.example"),
        ("@contoso.example", "contoso.example"),
        ("*.contoso.example", "contoso.example"),
        ("contoso.example.", "contoso.example"),
        ("Bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_typed_domain_is_put_in_form(typed: str, domain: str) -> None:
    assert normalise_domain(typed) == domain


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        ".",
        "example",
        "https://contoso.example/login",
        "u@contoso.example",
        "contoso.example:443",
        "contoso example",
        "contoso..example",
        "-contoso.example",
        "203.0.113.9",
        "a" * 64 + ".example",
        "a." * 130 + "example",
        "contoso\u3002example",
        "\u212aontoso.example",
    ],
)
def test_junk_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(BadInput) as refused:
        normalise_domain(typed)
    assert refused.value.message.endswith(".") and "contoso.example" in refused.value.remedy


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mira.Holt@Contoso.Example", "mira.holt@contoso.example"),
        ("u@BÜCHER.example", "u@xn--bcher-kva.example"),
        (" CONTOSO\\JDoe", "contoso\\jdoe"),
        ("ÉVA@contoso.example", "éva@contoso.example"),
    ],
)
def test_spellings_of_one_login(one: str, other: str) -> None:
    assert canonical_login(one) == canonical_login(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("stra\u00dfe@contoso.example", "strasse@contoso.example"),
        ("\u017fmith@contoso.example", "smith@contoso.example"),
        ("u@contoso.example", "u@c\u043entoso.example"),
    ],
)
def test_lookalikes_stay_apart(one: str, other: str) -> None:
    assert canonical_login(one) != canonical_login(other)


def test_the_set_lists_its_domains_in_form() -> None:
    assert list(WATCHED) == ["contoso.example", "eu.contoso.example", "xn--bcher-kva.example"]
    assert len(WATCHED) == 3


@given(st.text(max_size=40))
def test_any_text_is_answered(text: str) -> None:
    WATCHED.match(text)
    WATCHED.match(f"u@{text}.contoso.example")
    canonical_login(text)
    login_domain(text)


@given(
    st.text("abcÄäüÜß\u0308K\u212a.-@xn", max_size=8),
    st.sampled_from(
        ["contoso.example", "CONTOSO.example", "Bücher.example", "BÜCHER.EXAMPLE", "bu\u0308cher.example"]
    ),
)
def test_every_login_of_ours_holds_a_hint(prefix: str, domain: str) -> None:
    login = f"u@{prefix}{domain}"
    if WATCHED.owns(login):
        assert any(hint in login.encode().lower() for hint in WATCHED.hints)
