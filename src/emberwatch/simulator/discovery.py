"""OpenID Connect discovery, instance discovery, the key set and the user realm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from emberwatch.simulator.codes import Failure
from emberwatch.simulator.context import Context
from emberwatch.simulator.login_errors import login_headers, refusal
from emberwatch.simulator.messages import Reply, Request, json_reply

WELL_KNOWN: Final = frozenset({"common", "organizations", "consumers"})
_REGION: Final[Mapping[str, str]] = {"global": "EU", "usgov": "USGov", "usgovdod": "USGov", "china": "AS"}


def openid_configuration(context: Context, request: Request, params: Mapping[str, str]) -> Reply:
    """The discovery document of one directory, or of the shared addresses."""
    tenant = _tenant_id(context, params["tenant"])
    if tenant is None:
        failure = Failure(90002, {"tenant": params["tenant"]}, error="invalid_tenant")
        return refusal(context, request, failure)
    document = _configuration(context, tenant, v2=bool(params.get("v2")))
    return json_reply(200, document, login_headers(request))


def _tenant_id(context: Context, name: str) -> str | None:
    if name.lower() in WELL_KNOWN:
        return name.lower()
    directory = context.world.directory(name)
    return directory.id if directory else None


def _configuration(context: Context, tenant: str, *, v2: bool) -> dict[str, Any]:
    base = f"{context.origin}/{tenant}"
    host = urlsplit(context.origin).netloc
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{base}/v2.0" if v2 else f"{base}/",
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"{context.origin}/oidc/userinfo",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "http_logout_supported": True,
        "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "tid"],
        "tenant_region_scope": _REGION[context.world.cloud],
        "cloud_instance_name": host,
        "cloud_graph_host_name": host,
        "msgraph_host": host,
    }


def instance_discovery(context: Context, request: Request, _params: Mapping[str, str]) -> Reply:
    """Which host serves an authority: here it is always this server."""
    endpoint = request.query.get("authorization_endpoint", "")
    tenant = urlsplit(endpoint).path.strip("/").partition("/")[0]
    if not tenant:
        return refusal(context, request, Failure(50049))
    host, name = urlsplit(context.origin).netloc, urlsplit(context.origin).hostname
    document = {
        "tenant_discovery_endpoint": f"{context.origin}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": request.query.get("api-version", "1.1"),
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host, name]}],
    }
    return json_reply(200, document, login_headers(request))


def key_set(context: Context, request: Request, params: Mapping[str, str]) -> Reply:
    """The public keys that verify this server's tokens."""
    return json_reply(
        200, context.key.jwks(f"{context.origin}/{params['tenant']}/v2.0"), login_headers(request)
    )


def user_realm(context: Context, request: Request, params: Mapping[str, str]) -> Reply:
    """Managed, Federated or Unknown: asked by clients that would send a password to a federation server."""
    domain = params["username"].rpartition("@")[2].casefold()
    directory = context.world.directory_with_domain(domain)
    kind = directory.domains[domain].authentication if directory else "Unknown"
    document = {
        "ver": "1.0",
        "account_type": kind,
        "domain_name": domain,
        "cloud_instance_name": urlsplit(context.origin).netloc,
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }
    return json_reply(200, document, login_headers(request))
