"""The channels that there are, in the order in which they are offered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from emberwatch.channels import email, jira, sentinel, servicenow, slack, splunk, syslog, teams, webhook
from emberwatch.channels.base import Kind
from emberwatch.core.errors import BadInput

KINDS: Final[Mapping[str, Kind]] = {
    module.KIND.name: module.KIND
    for module in (email, slack, teams, webhook, splunk, sentinel, syslog, jira, servicenow)
}


def kind_named(name: str) -> Kind:
    if name not in KINDS:
        raise BadInput(
            "There is no such kind of channel.", remedy=f"Kinds: {', '.join(KINDS)}.", field="kind"
        )
    return KINDS[name]
