"""Texts for the SOC: valid, bound to ids and addresses, and nothing else ever in them."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
import yaml

from emberwatch.validation.soc import ALERTS, Language, SocFacts, SocText, texts

CLIENT = UUID("22222222-aaaa-4bbb-8ccc-000000000002")
DIRECTORY = UUID("11111111-aaaa-4bbb-8ccc-000000000001")
ATTEMPTS = tuple(UUID(int=number) for number in (7, 8, 9))
ADDRESSES = ("203.0.113.7", "2001:db8::/48")


def facts(
    addresses: tuple[str, ...] = ADDRESSES, attempts: tuple[UUID, ...] = ATTEMPTS, sent: int = 3
) -> SocFacts:
    return SocFacts(CLIENT, DIRECTORY, addresses, attempts, sent, days=7)


def named(found: SocFacts) -> dict[str, SocText]:
    return {each.name: each for each in texts(found)}


def sigma(found: SocFacts, name: str) -> dict[str, Any]:
    loaded = yaml.safe_load(named(found)[name].text)
    assert isinstance(loaded, dict)
    return loaded


SIGMA = [each.name for each in texts(facts()) if each.language is Language.SIGMA]
KQL = [each.name for each in texts(facts()) if each.language is Language.KQL]


@pytest.mark.parametrize("addresses", [ADDRESSES, ()])
@pytest.mark.parametrize("name", SIGMA)
def test_a_sigma_rule_is_valid_and_for_the_sign_in_log(name: str, addresses: tuple[str, ...]) -> None:
    rule = sigma(facts(addresses), name)
    assert rule["logsource"] == {"product": "azure", "service": "signinlogs"}
    assert UUID(rule["id"])
    detection = rule.get("detection") or rule["filter"]
    parts = set(detection) - {"condition", "rules"}
    assert parts == set(re.findall(r"[a-z]+", detection["condition"])) - {"and", "not", "or"}
    assert {detection[part].get("AppId", str(CLIENT)) for part in parts} == {str(CLIENT)}
    if "detection" in rule:
        assert rule["level"] in ("informational", "high")
        assert set(rule) >= {"title", "status", "description", "date", "tags", "falsepositives"}
    else:
        assert all(UUID(each) for each in rule["filter"]["rules"])


def test_rules_keep_their_ids_and_differ_from_each_other() -> None:
    ids = [sigma(facts(), name)["id"] for name in SIGMA]
    assert ids == [sigma(facts(()), name)["id"] for name in SIGMA]
    assert len(set(ids)) == len(ids)


def holds(rule: dict[str, Any], event: dict[str, str]) -> bool:
    """Evaluates the few things that our rules use."""
    import ipaddress

    detection = rule.get("detection") or rule["filter"]

    def part(fields: dict[str, Any]) -> bool:
        answers = []
        for field, wanted in fields.items():
            name, _, how = field.partition("|")
            if how == "cidr":
                address = ipaddress.ip_address(event[name])
                answers.append(any(address in ipaddress.ip_network(each) for each in wanted))
            else:
                answers.append(event[name].lower() == wanted.lower())
        return all(answers)

    known = {name: part(fields) for name, fields in detection.items() if name not in ("condition", "rules")}
    return bool(eval(detection["condition"], {"__builtins__": {}}, known))  # noqa: S307 - of our own making


def event(app: UUID = CLIENT, protocol: str = "ropc", address: str = "203.0.113.7") -> dict[str, str]:
    return {"AppId": str(app), "AuthenticationProtocol": protocol, "IPAddress": address}


STRANGER = UUID(int=99)
OURS, OURS_6 = event(), event(address="2001:db8::5")
STOLEN = [event(address="198.51.100.9"), event(protocol="deviceCode"), event(address="2001:db9::1")]
OTHERS = [event(app=STRANGER), event(app=STRANGER, address="198.51.100.9", protocol="none")]


def test_the_sigma_rules_tell_our_sign_ins_from_a_thiefs_and_from_others() -> None:
    find, misuse, kept = (
        sigma(facts(), name) for name in ("sigma_find", "sigma_misuse", "sigma_without_ours")
    )
    for ours in (OURS, OURS_6):
        assert (holds(find, ours), holds(misuse, ours), holds(kept, ours)) == (True, False, False)
    for stolen in STOLEN:
        assert (holds(misuse, stolen), holds(kept, stolen)) == (True, True)
    for other in OTHERS:
        assert (holds(find, other), holds(misuse, other), holds(kept, other)) == (False, False, True)


def test_without_addresses_another_protocol_is_still_misuse_and_the_text_says_what_is_missing() -> None:
    bare = named(facts(()))
    assert holds(sigma(facts(()), "sigma_misuse"), event(protocol="deviceCode"))
    for name in ("without_ours", "misuse", "sigma_misuse", "sigma_without_ours"):
        assert "No egress address is stated" in bare[name].text
        assert "No egress address is stated" not in named(facts())[name].text


@pytest.mark.parametrize("name", KQL)
def test_a_query_is_balanced_and_bound_to_the_application(name: str) -> None:
    text = named(facts())[name].text
    assert (
        text.count("(") == text.count(")") and text.count('"') % 2 == 0 and text.count("[") == text.count("]")
    )
    assert f'AppId =~ "{CLIENT}"' in text
    assert "union isfuzzy=true" in text
    assert text.index("SigninLogs") < text.index("AADNonInteractiveUserSignInLogs")


def test_queries_by_id_hold_exactly_the_attempts() -> None:
    for name in ("find_by_id", "without_ours_by_id"):
        text = named(facts())[name].text
        assert re.findall(r'^    "([0-9a-f-]{36})"', text, re.M) == [str(each) for each in ATTEMPTS]
        assert "CorrelationId in~ (attempts)" in text
        assert "newest 3 of 9" in named(facts(sent=9))[name].text
        assert "let attempts = dynamic([]);" in named(facts(attempts=(), sent=0))[name].text


def test_addresses_of_both_kinds_are_compared() -> None:
    text = named(facts())["misuse"].text
    assert 'ipv4_is_in_any_range(IPAddress, dynamic(["203.0.113.7/32"]))' in text
    assert 'ipv6_is_in_any_range(IPAddress, dynamic(["2001:db8::/48"]))' in text
    assert "AADServicePrincipalSignInLogs" in text


@pytest.mark.parametrize("bad", ['1.2.3.4"]) or true //', "1.2.3.4'\n- x", "", "host.example"])
def test_nothing_but_an_address_gets_into_a_text(bad: str) -> None:
    with pytest.raises(ValueError):
        facts((bad,))


def test_nothing_but_an_id_gets_into_a_text() -> None:
    with pytest.raises(TypeError):
        facts(attempts=("x' or 1=1",))  # type: ignore[arg-type]


def test_the_alerts_say_what_to_do() -> None:
    assert "passwordSpray" in {alert.name for alert in ALERTS}
    assert all(alert.raised_by.endswith(".") and alert.what_to_do.endswith(".") for alert in ALERTS)
