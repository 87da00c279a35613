"""Whose login it is: every name, its strength, and when nobody can say."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from emberwatch.identities.policy import (
    AMBIGUOUS,
    NameKind,
    Names,
    Reason,
    keys_of,
    match,
    reason_of,
    sought_for,
)

ANN = Names(
    UUID(int=1),
    "Ann@Contoso.example",
    mail="ann.smith@contoso.example",
    proxy_addresses=("SMTP:ann.smith@contoso.example", "smtp:asmith@Contoso.example", "SIP:ann@sip.example"),
    other_mails=("ann@freemail.test",),
    on_premises_upn="ann@corp.contoso.test",
    on_premises_sam="asmith",
    on_premises_domain="corp.contoso.test",
    former_sign_in_names=("ann.miller@contoso.example",),
    former_addresses=("miller@contoso.example",),
)
BOB = Names(UUID(int=2), "bob@contoso.example")


@pytest.mark.parametrize(
    ("login", "code"),
    [
        ("ann@contoso.example", "userPrincipalName"),
        ("  ANN@CONTOSO.EXAMPLE ", "userPrincipalName"),
        ("ann.smith@contoso.example", "mail"),
        ("ASmith@contoso.example", "proxyAddresses"),
        ("ann@freemail.test", "otherMails"),
        ("ann@corp.contoso.test", "onPremisesUserPrincipalName"),
        ("CORP\\asmith", "onPremisesSamAccountName"),
        ("corp.contoso.test\\ASmith", "onPremisesSamAccountName"),
        ("ann.miller@contoso.example", "formerUserPrincipalName"),
        ("miller@contoso.example", "formerAddress"),
        ("ann+shop@contoso.example", "userPrincipalName+"),
        ("asmith+news+x@contoso.example", "proxyAddresses+"),
        ("ann.miller+old@contoso.example", "formerUserPrincipalName+"),
        ("ann@sip.example", ""),
        ("asmith", ""),
        ("OTHER\\asmith", ""),
        ("+shop@contoso.example", ""),
        ("ann@contoso.example.test", ""),
        ("", ""),
    ],
)
def test_each_name_finds_its_account(login: str, code: str) -> None:
    found = match(login, [ANN, BOB])
    assert found.code == code
    assert (found.only.object_id if found.only else None) == (ANN.object_id if code else None)


def test_what_is_looked_for_is_what_the_store_has() -> None:
    keys = keys_of(ANN)
    for login in ("ann@contoso.example", "CORP\\asmith", "asmith+news@contoso.example"):
        assert not set(keys).isdisjoint(sought_for(login))
    assert len(keys) == len(set(keys))
    assert "" not in keys


@pytest.mark.parametrize(
    ("other", "codes"),
    [
        # A sign-in name is its account's own, whoever has it as an address.
        ({"mail": "ann@contoso.example"}, ["userPrincipalName"]),
        ({"other_mails": ("ann@contoso.example",)}, ["userPrincipalName"]),
        # Somebody had it before: the leak may be older than that.
        (
            {"former_sign_in_names": ("ann@contoso.example",)},
            ["userPrincipalName", "formerUserPrincipalName"],
        ),
        ({"former_addresses": ("ann@contoso.example",)}, ["userPrincipalName", "formerAddress"]),
        # Whoever had it and is gone says nothing.
        ({"former_addresses": ("ann@contoso.example",), "is_gone": True}, ["userPrincipalName"]),
    ],
)
def test_a_sign_in_name_beside_what_others_have(other: dict[str, object], codes: list[str]) -> None:
    bob = replace(BOB, **other)  # type: ignore[arg-type]
    for accounts in ([ANN, bob], [bob, ANN]):
        found = match("ann@contoso.example", accounts)
        assert [each.reason.code for each in found.candidates] == codes
        assert found.is_ambiguous is (len(codes) > 1)


def test_two_accounts_with_one_address_are_ambiguous() -> None:
    bob = replace(BOB, mail="asmith@contoso.example")
    found = match("asmith@contoso.example", [ANN, bob])
    assert (found.only, found.code) == (None, AMBIGUOUS)
    assert {each.object_id for each in found.candidates} == {ANN.object_id, BOB.object_id}
    weaker = replace(BOB, other_mails=("asmith@contoso.example",))
    assert match("asmith@contoso.example", [ANN, weaker]).only is not None


def test_a_login_that_is_somebodys_own_is_no_sub_address() -> None:
    shop = replace(BOB, user_principal_name="ann+shop@contoso.example")
    found = match("ann+shop@contoso.example", [ANN, shop])
    assert found.only is not None
    assert (found.only.object_id, found.code) == (BOB.object_id, "userPrincipalName")


def test_a_successor_has_the_name_of_who_is_gone() -> None:
    gone = replace(ANN, object_id=UUID(int=9), is_gone=True)
    found = match("ann@contoso.example", [gone, ANN])
    assert found.only is not None
    assert found.only.object_id == ANN.object_id
    alone = match("ann@contoso.example", [gone])
    assert alone.only is not None
    assert alone.only.object_id == gone.object_id


@pytest.mark.parametrize("kind", list(NameKind))
@pytest.mark.parametrize("by_sub_address", [False, True])
def test_a_stored_reason_is_read_again(kind: NameKind, by_sub_address: bool) -> None:
    reason = Reason(kind, by_sub_address)
    assert reason_of(reason.code) == reason
    assert reason.words
    assert kind.is_former is ("before" in kind.words)


def test_what_is_no_reason() -> None:
    assert reason_of("") is None
    assert reason_of(AMBIGUOUS) is None
