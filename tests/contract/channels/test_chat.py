"""Slack and Teams: what they take, and names that try to be more than names."""

from __future__ import annotations

import json

from emberwatch.channels import slack, teams
from tests.contract.channels.conftest import item, message


def test_slack_gets_blocks_within_its_limits() -> None:
    found = slack.payload(message(*(item(n, reasons=("r" * 5000,)) for n in range(40)), total=5000))
    assert len(found["blocks"]) <= 50
    assert all(len(block["text"]["text"]) <= 3000 for block in found["blocks"] if block["type"] == "section")
    assert "And 4,980 more." in json.dumps(found)


def test_a_login_cannot_call_a_whole_slack_channel() -> None:
    hostile = item(title="<!channel> *x*", facts=(("Login", "<https://evil.example|click> & `y`"),))
    text = json.dumps(slack.payload(message(hostile, title="<!here>")), ensure_ascii=False)
    assert "<!channel>" not in text
    assert "<https://evil.example" not in text
    assert "&lt;!channel&gt;" in text


def test_teams_gets_a_card_that_it_takes() -> None:
    found = teams.payload(message(*(item(n, reasons=("r" * 400,)) for n in range(60)), total=5000))
    assert len(json.dumps(found)) <= 28_000
    [attachment] = found["attachments"]
    card = attachment["content"]
    shown = sum(each["type"] == "Container" for each in card["body"])
    assert 0 < shown < 60
    assert f"And {5000 - shown:,} more." in json.dumps(card)
    assert card["type"] == "AdaptiveCard"


def test_a_login_cannot_become_a_link_in_teams() -> None:
    card = json.dumps(teams.payload(message(item(title="[click](https://evil.example)"))))
    assert "[click](" not in card
