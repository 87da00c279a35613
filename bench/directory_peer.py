"""Reads every account with Microsoft's own client and its page iterator, and stores nothing."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from typing import Any

import httpx

from emberwatch.directories.entra.users import SELECT


def _client(graph_url: str, ca_file: str, token: str) -> tuple[Any, Any]:
    from azure.core.credentials import AccessToken
    from kiota_authentication_azure.azure_identity_authentication_provider import (
        AzureIdentityAuthenticationProvider,
    )
    from msgraph import GraphRequestAdapter, GraphServiceClient

    class Held:
        """A token that is there already: the peer's time is that of reading."""

        def get_token(self, *_: Any, **__: Any) -> AccessToken:
            return AccessToken(token, int(time.time()) + 3600)

        async def close(self) -> None: ...

    host = httpx.URL(graph_url).host
    scopes = [f"{graph_url}/.default"]
    provider = AzureIdentityAuthenticationProvider(Held(), scopes=scopes, allowed_hosts=[host])
    adapter = GraphRequestAdapter(provider, httpx.AsyncClient(verify=ca_file, timeout=60))
    adapter.base_url = f"{graph_url}/v1.0"
    return GraphServiceClient(request_adapter=adapter), adapter


async def _read(graph_url: str, ca_file: str, token: str, page: int) -> dict[str, float]:
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder
    from msgraph_core.tasks import PageIterator

    client, adapter = _client(graph_url, ca_file, token)
    wanted = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(select=SELECT.split(","), top=page)
    met = 0

    def take(_: Any) -> bool:
        nonlocal met
        met += 1
        return True

    # A small page first: what the client loads only once is not part of the time.
    few = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(select=SELECT.split(","), top=5)
    await client.users.get(RequestConfiguration(query_parameters=few))
    wall, cpu = time.monotonic(), _cpu()
    first = await client.users.get(RequestConfiguration(query_parameters=wanted))
    await PageIterator(first, adapter).iterate(take)
    return {"accounts": met, "wall": time.monotonic() - wall, "cpu": _cpu() - cpu}


def _cpu() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime


def main(graph_url: str, ca_file: str, token: str, page: int) -> None:
    told = asyncio.run(_read(graph_url, ca_file, token, page))
    told["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.stdin.read(), int(sys.argv[3]))
