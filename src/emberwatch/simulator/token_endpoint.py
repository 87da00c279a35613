"""``POST /{tenant}/oauth2/v2.0/token``: authority, request, client, then the grant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from emberwatch.simulator.client_auth import authenticate, find_app
from emberwatch.simulator.codes import Failure
from emberwatch.simulator.context import Context
from emberwatch.simulator.keys import TOKEN_SECONDS
from emberwatch.simulator.login_errors import login_headers, refusal
from emberwatch.simulator.messages import Reply, Request, json_reply
from emberwatch.simulator.password_grant import SignIn, policy_block, run_checks
from emberwatch.simulator.scenario import stable_id
from emberwatch.simulator.sign_in_log import Sender
from emberwatch.simulator.state import AppState, DirectoryState

# Which shared addresses a grant refuses by itself; the others meet the single-tenant rule.
_SHARED_ANSWERS: Final[Mapping[tuple[str, str], int]] = {
    ("password", "common"): 9001023,
    ("password", "consumers"): 9001023,
    ("password", "organizations"): 50194,
    ("client_credentials", "common"): 50194,
    ("client_credentials", "consumers"): 50194,
    ("client_credentials", "organizations"): 50194,
}


@dataclass(frozen=True, slots=True)
class Granting:
    """A token request whose authority and client are accepted."""

    context: Context
    directory: DirectoryState
    app: AppState
    request: Request
    form: Mapping[str, str]

    @property
    def scopes(self) -> tuple[str, ...]:
        return tuple(self.form["scope"].split())


Body = dict[str, Any]
Grant = Callable[[Granting], Body | Failure]


def token(context: Context, request: Request, params: Mapping[str, str]) -> Reply:
    """Answer a token request. The world stands still while it is decided."""
    form = request.form
    with context.world.lock:
        outcome = _decide(context, request, params["tenant"], form)
    if isinstance(outcome, Failure):
        reply = refusal(context, request, outcome)
    else:
        reply = json_reply(200, outcome, login_headers(request))
    return replace(
        reply,
        client_id=form.get("client_id", ""),
        username=form.get("username", ""),
        route=f"token:{form.get('grant_type', '')}",
    )


def _decide(context: Context, request: Request, tenant: str, form: Mapping[str, str]) -> Body | Failure:
    failure = _request_fault(request, form)
    if failure:
        return failure
    directory = _find_directory(context, tenant, form)
    if isinstance(directory, Failure):
        return directory
    app = find_app(directory, form["client_id"])
    if isinstance(app, Failure):
        return app
    failure = authenticate(app, directory, form, _assertion_audiences(context, directory, tenant))
    failure = failure or _missing_field(form)
    return failure or _GRANTS[form["grant_type"]](Granting(context, directory, app, request, form))


def _request_fault(request: Request, form: Mapping[str, str]) -> Failure | None:
    if request.method != "POST":
        return Failure(900561)
    for name in ("grant_type", "client_id"):
        if not form.get(name):
            return Failure(900144, {"parameter": name})
    if form["grant_type"] not in _GRANTS:
        return Failure(70003, {"grant_type": form["grant_type"]})
    return Failure(901002) if "resource" in form else None


def _find_directory(context: Context, tenant: str, form: Mapping[str, str]) -> DirectoryState | Failure:
    values = {"tenant": tenant, "client_id": form["client_id"]}
    shared = _SHARED_ANSWERS.get((form["grant_type"], tenant.lower()))
    if shared:
        return Failure(shared, values)
    directory = context.world.directory(tenant)
    if directory is None:
        return Failure(90002, values)
    if directory.cloud != context.world.cloud:
        return Failure(directory.scenario.other_cloud_answer, {**values, "cloud": directory.cloud})
    return directory


def _assertion_audiences(context: Context, directory: DirectoryState, tenant: str) -> set[str]:
    names = {tenant, directory.id}
    return {f"{context.origin}/{n}/{end}" for n in names for end in ("oauth2/v2.0/token", "v2.0")}


def _missing_field(form: Mapping[str, str]) -> Failure | None:
    if not form.get("scope"):
        return Failure(900144, {"parameter": "scope"})
    for name in ("username", "password") if form["grant_type"] == "password" else ():
        if not form.get(name):
            return Failure(90014, {"parameter": name})
    return None


def _grant_to_app(granting: Granting) -> Body | Failure:
    resource = _resource_for_app(granting)
    if isinstance(resource, Failure):
        return resource
    app, directory = granting.app.scenario, granting.directory
    if app.token_answer == 53003:
        return policy_block([stable_id(f"workload policy {directory.id}")])
    if app.token_answer:
        return Failure(app.token_answer, {"client_id": app.client_id, "tenant": directory.id})
    claims: Body = {
        **_claims(granting, resource),
        "oid": app.principal_id,
        "sub": app.principal_id,
        "idtyp": "app",
        **({"roles": list(app.granted_roles)} if app.granted_roles else {}),
    }
    seconds = app.token_seconds or TOKEN_SECONDS
    token = granting.context.key.sign(claims, directory.world.clock(), seconds)
    return {**_lifetime(seconds), "access_token": token}


def _resource_for_app(granting: Granting) -> str | Failure:
    scope = granting.form["scope"]
    resource, dot, _ = scope.partition("/.default")
    if len(granting.scopes) != 1 or not dot or not scope.endswith("/.default"):
        return Failure(1002012, {"scope": scope})
    resource = resource.rstrip("/")
    if resource.lower() not in granting.context.graph_audiences:
        return Failure(500011, {"resource": resource, "tenant": granting.directory.id})
    return resource.lower()


def _grant_to_user(granting: Granting) -> Body | Failure:
    failure = _scope_fault(granting)
    if failure:
        return failure
    sign_in = SignIn(
        directory=granting.directory,
        app=granting.app,
        username=granting.form["username"],
        password=granting.form["password"],
        scopes=granting.scopes,
        now=granting.directory.world.clock(),
        authority=granting.context.origin,
        user_found=granting.directory.find_for_sign_in(granting.form["username"]),
        by=granting.app.scenario.client_id.lower(),
        sender=_sender(granting),
    )
    return run_checks(sign_in) or _user_tokens(granting, sign_in)


def _sender(granting: Granting) -> Sender:
    app, request = granting.app.scenario, granting.request
    return Sender(app.client_id, app.display_name, request.source, request.correlation_id, request.trace_id)


def _scope_fault(granting: Granting) -> Failure | None:
    for scope in granting.scopes:
        resource, slash, name = scope.rpartition("/")
        if not name.replace(".", "").replace("_", "").replace("-", "").isalnum():
            return Failure(70011, {"scope": scope})
        if slash and resource.lower() not in granting.context.graph_audiences:
            return Failure(500011, {"resource": resource, "tenant": granting.directory.id})
    return None


def _user_tokens(granting: Granting, sign_in: SignIn) -> Body:
    key, now, user = granting.context.key, sign_in.now, sign_in.user
    names = {"oid": user.id, "sub": user.id, "upn": user.scenario.upn, "name": user.properties["displayName"]}
    granted = [scope for scope in sign_in.scopes if scope != "offline_access"]
    claims = {**_claims(granting, granting.context.origin), **names, "scp": " ".join(granted)}
    body: Body = {"scope": " ".join(granted), **_lifetime(), "access_token": key.seal(claims, now)}
    if "openid" in sign_in.scopes:
        for_app = {"aud": granting.app.scenario.client_id, "preferred_username": user.scenario.upn}
        body["id_token"] = key.sign({**_claims(granting, ""), **names, **for_app, "ver": "2.0"}, now)
    if "offline_access" in sign_in.scopes:
        body["refresh_token"] = key.seal({"tid": granting.directory.id, "use": "refresh"}, now)
    return body


def _claims(granting: Granting, audience: str) -> Body:
    app, directory = granting.app.scenario, granting.directory.id
    issuer = f"{granting.context.origin}/{directory}/"
    return {
        "aud": audience,
        "iss": issuer,
        "idp": issuer,
        "tid": directory,
        "appid": app.client_id,
        "app_displayname": app.display_name,
        "rh": granting.directory.world.token_mark,
        "appidacr": "2" if "client_assertion" in granting.form else "1",
    }


def _lifetime(seconds: int = TOKEN_SECONDS) -> Body:
    return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds}


_GRANTS: Final[Mapping[str, Grant]] = {"client_credentials": _grant_to_app, "password": _grant_to_user}
