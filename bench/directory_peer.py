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


async def _read(graph_url: str, ca_file: str, token: str, page: int) -> int:
    from azure.core.credentials import AccessToken
    from kiota_abstractions.base_request_configuration import RequestConfiguration  # type: ignore[import-not-found,unused-ignore]
    from kiota_authentication_azure.azure_identity_authentication_provider import (  # type: ignore[import-not-found,unused-ignore]
        AzureIdentityAuthenticationProvider,
    )
    from msgraph import GraphRequestAdapter, GraphServiceClient  # type: ignore[import-not-found,unused-ignore]
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder  # type: ignore[import-not-found,unused-ignore]
    from msgraph_core.tasks import PageIterator  # type: ignore[import-not-found,unused-ignore]

    class Held:
        """A token that is there already: the peer's time is that of reading."""

        def get_token(self, *_: Any, **__: Any) -> AccessToken:
            return AccessToken(token, int(time.time()) + 3600)

        async def close(self) -> None: ...

    host = httpx.URL(graph_url).host
    provider = AzureIdentityAuthenticationProvider(
        Held(), scopes=[f"{graph_url}/.default"], allowed_hosts=[host]
    )
    adapter = GraphRequestAdapter(provider, httpx.AsyncClient(verify=ca_file, timeout=60))
    adapter.base_url = f"{graph_url}/v1.0"
    client = GraphServiceClient(request_adapter=adapter)
    wanted = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(select=SELECT.split(","), top=page)
    first = await client.users.get(RequestConfiguration(query_parameters=wanted))
    met = 0

    def take(_: Any) -> bool:
        nonlocal met
        met += 1
        return True

    await PageIterator(first, adapter).iterate(take)
    return met


def main(graph_url: str, ca_file: str, token: str, page: int) -> None:
    begin = time.monotonic()
    met = asyncio.run(_read(graph_url, ca_file, token, page))
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "accounts": met,
        "wall": time.monotonic() - begin,
        "cpu": used.ru_utime + used.ru_stime,
        "megabytes": used.ru_maxrss / 1024,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
