"""Microsoft Sentinel, by the Logs Ingestion API of Azure Monitor."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import httpx
import msal

from emberwatch.channels import checks
from emberwatch.channels.base import (
    ChannelBusy,
    ChannelRefused,
    Field,
    FieldKind,
    Kind,
    Message,
    Receipt,
    Secrets,
    Settings,
)
from emberwatch.channels.exchange import post, refusal, said, telling
from emberwatch.channels.network import Network
from emberwatch.channels.webhook import events
from emberwatch.core.secret import Secret

# The API refuses more than 1 MB in one request.
MOST_BYTES: Final = 950_000
API_VERSION: Final = "2023-01-01"
_GLOBAL: Final = "https://monitor.azure.com"
AUDIENCES: Final[Mapping[str, str]] = {
    "global": _GLOBAL,
    "usgov": "https://monitor.azure.us",
    "usgovdod": "https://monitor.azure.us",
    "china": "https://monitor.azure.cn",
}
_CODE: Final = re.compile(r"AADSTS\d+")


def deliver(message: Message, settings: Settings, secrets: Secrets, network: Network) -> Receipt:
    token = _token(settings, secrets["client_secret"], network)
    path = f"/dataCollectionRules/{settings['rule_id']}/streams/{settings['stream']}"
    request_ids = []
    for batch in batches(rows(message)):
        reply = post(
            network,
            settings["endpoint"] + path,
            params={"api-version": API_VERSION},
            content=batch,
            headers={
                "Authorization": f"Bearer {token.expose()}",
                "Content-Type": "application/json",
                "x-ms-client-request-id": message.id,
            },
            secrets=[token],
        )
        request_ids.append(reply.headers.get("x-ms-request-id", ""))
    return Receipt(provider_id=said(" ".join(filter(None, request_ids)))[:100])


def rows(message: Message) -> list[dict[str, Any]]:
    """In the columns of the table that ``docs/alerts.md`` makes."""
    return [
        {
            "TimeGenerated": event["at"],
            "AlertId": event["id"],
            "DeliveryId": message.id,
            "Tenant": message.tenant,
            "Rule": message.rule,
            "Fact": event["fact"],
            "Title": event["title"],
            "Severity": event["severity"],
            "SeverityReasons": event["severity_reasons"],
            "Login": event.get("login", ""),
            "Identity": event.get("identity", ""),
            "Verdict": event.get("verdict", ""),
            "Certainty": event.get("certainty", ""),
            "Link": event["link"],
            "AccountLink": event["account_link"],
            "Details": {name: value for name, value in event.items() if name not in ("id", "title")},
            "IsTest": message.is_test,
        }
        for event in events(message.items)
    ]


def batches(found: Sequence[Mapping[str, Any]], most: int = MOST_BYTES) -> Iterator[bytes]:
    """JSON arrays that are no larger than the API takes."""
    batch: list[bytes] = []
    size = 2
    for row in found:
        text = json.dumps(row, separators=(",", ":")).encode()
        if batch and size + len(text) + 1 > most:
            yield b"[" + b",".join(batch) + b"]"
            batch, size = [], 2
        batch.append(text)
        size += len(text) + 1
    if batch:
        yield b"[" + b",".join(batch) + b"]"


def _token(settings: Settings, secret: Secret, network: Network) -> Secret:
    """An app-only token of the application that may write into the data collection rule."""
    cloud = settings["cloud"]
    login = network.login_urls.get(cloud)
    if login is None:
        raise ChannelRefused("The cloud of this channel is not offered any more.")
    with telling(login), network.login_client(cloud) as client:
        teller = _Teller(client, network)
        try:
            application = msal.ConfidentialClientApplication(
                settings["client_id"],
                client_credential=secret.expose(),
                authority=f"{login}/{settings['entra_tenant_id']}",
                instance_discovery=False,
                http_client=teller,
            )
            audience = AUDIENCES.get(cloud, _GLOBAL)
            answer = application.acquire_token_for_client([f"{audience}/.default"])
        except (ValueError, KeyError, RuntimeError) as error:
            raise _refused(f"{error} {error.__context__}") from None
    if "access_token" not in answer:
        raise _refused(str(answer.get("error_description", "")))
    return Secret(str(answer["access_token"]))


def _refused(text: str) -> ChannelRefused:
    code = _CODE.search(text)
    return ChannelRefused(
        f"Entra ID gives out no token for this application{f' ({code[0]})' if code else ''}.",
        remedy="Check the application ID, its client secret and the directory ID of this channel.",
    )


class _Teller:
    """What MSAL sends through; an answer that says "not now" becomes an error here."""

    def __init__(self, client: httpx.Client, network: Network) -> None:
        self._client = client
        self._network = network

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self._checked(self._client.get(url, **options))

    def post(self, url: str, **options: Any) -> httpx.Response:
        return self._checked(self._client.post(url, **options))

    def close(self) -> None:
        """The client belongs to who made it."""

    def _checked(self, reply: httpx.Response) -> httpx.Response:
        if reply.status_code == 429 or reply.status_code >= 500:
            found = refusal(reply, self._network)
            raise found if isinstance(found, ChannelBusy) else ChannelBusy(found.message)
        return reply


KIND: Final = Kind(
    name="sentinel",
    label="Microsoft Sentinel",
    deliver=deliver,
    most_items=200,
    takes_all=True,
    fields=(
        Field(
            "endpoint",
            "Logs ingestion endpoint",
            FieldKind.URL,
            hint="Of the data collection endpoint or rule, such as https://example-abcd.westeurope-1.ingest.monitor.azure.com.",
            check=checks.origin,
            leads=True,
        ),
        Field(
            "rule_id",
            "Immutable ID",
            hint="Of the data collection rule; it begins with dcr-.",
            check=checks.matching(r"dcr-[0-9a-f]{8,64}", "needs an id such as dcr-0123456789abcdef"),
        ),
        Field(
            "stream",
            "Stream",
            default="Custom-EmberwatchAlerts",
            check=checks.name,
            hint="As the data collection rule declares it.",
        ),
        Field(
            "cloud",
            "Cloud",
            FieldKind.CHOICE,
            default="global",
            choices=(
                ("global", "Global (also GCC)"),
                ("usgov", "US Government L4 (GCC High)"),
                ("usgovdod", "US Government L5 (DoD)"),
                ("china", "China (21Vianet)"),
                ("custom", "Custom (set by the operator)"),
            ),
            leads=True,
        ),
        Field("entra_tenant_id", "Directory (tenant) ID", check=checks.guid, leads=True),
        Field("client_id", "Application (client) ID", check=checks.guid),
        Field("client_secret", "Client secret", FieldKind.SECRET, hint="The value, not its ID."),
    ),
)
