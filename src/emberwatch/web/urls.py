"""All addresses of the pages. What is not named open here asks for a sign-in."""

from __future__ import annotations

from allauth.account import views as allauth_views
from django.urls import URLPattern, path

from emberwatch.web.access import View, signed_in
from emberwatch.web.views import (
    alert_rules,
    alerts,
    attempts,
    audit,
    cases,
    choices,
    closings,
    credentials,
    directory,
    directory_health,
    directory_sync,
    health,
    home,
    identities,
    imports,
    invitation,
    kill_switch,
    machines,
    remediations,
    runs,
    tenants,
    tokens,
    uploads,
    validations,
)

TENANT = "tenants/<uuid:tenant_id>/"
CREDENTIAL = f"{TENANT}credentials/<uuid:credential_id>/"
RUN = f"{TENANT}runs/<uuid:run_id>/"
ALERTS = f"{TENANT}alerts/"
CHANNEL = f"{ALERTS}channels/<uuid:channel_id>/"
PLAN = f"{TENANT}remediations/<uuid:plan_id>/"

open_to_all = [
    path("healthz", health.live, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("sign-in/", allauth_views.login, name="account_login"),
    path("sign-in/inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("sign-out/", allauth_views.logout, name="account_logout"),
    path("invitation/<str:token>/", invitation.accept, name="invitation"),
]


def _of_directory(rest: str, view: View, name: str) -> list[URLPattern]:
    """The address of a page about one directory, and a shorter one for tenants that have no other."""
    here = f"{TENANT}entra-id-configuration/"
    return [
        path(f"{here}{rest}", view, name=name),
        path(f"{here}<uuid:directory_id>/{rest}", view, name=name),
    ]


pages = [
    path("", home.home, name="home"),
    path("configure/", home.configure, name="configure"),
    path("credentials/", credentials.feeds, name="feeds"),
    path(f"{TENANT}credentials/", credentials.feed, name="feed"),
    path(CREDENTIAL, credentials.details, name="credential"),
    path(f"{CREDENTIAL}reveal/", credentials.reveal_password, name="reveal"),
    path(f"{CREDENTIAL}validate/", validations.start, name="validate"),
    path(f"{CREDENTIAL}remediate/", remediations.ask, name="remediate"),
    path(f"{CREDENTIAL}close/", closings.close_credential, name="close_credential"),
    path(f"{CREDENTIAL}reopen/", closings.reopen_credential, name="reopen_credential"),
    path(f"{CREDENTIAL}case/", cases.page, name="case"),
    path(f"{CREDENTIAL}case.json", cases.export, name="case_export"),
    path(f"{TENANT}validations/<uuid:validation_id>/", validations.status, name="validation"),
    path(f"{TENANT}runs/", runs.listing, name="runs"),
    path(f"{TENANT}runs/start/", runs.start, name="start_run"),
    path(RUN, runs.one, name="run"),
    path(f"{RUN}pause/", runs.pause, name="pause_run"),
    path(f"{RUN}resume/", runs.resume, name="resume_run"),
    path(f"{RUN}cancel/", runs.cancel, name="cancel_run"),
    path(f"{TENANT}remediations/", remediations.listing, name="remediations"),
    path(PLAN, remediations.one, name="remediation"),
    path(f"{PLAN}approve/", remediations.approve, name="approve_remediation"),
    path(f"{PLAN}cancel/", remediations.cancel, name="cancel_remediation"),
    path(f"{PLAN}undo/", remediations.undo, name="undo_remediation"),
    path(f"{TENANT}attempts/", attempts.listing, name="attempts"),
    path(f"{TENANT}attempts/export/", attempts.export, name="export_attempts"),
    path(f"{TENANT}imports/", imports.listing, name="imports"),
    path(f"{TENANT}imports/new/", imports.new, name="new_import"),
    path(f"{TENANT}imports/<uuid:import_id>/", imports.one, name="import"),
    path(f"{TENANT}imports/<uuid:import_id>/columns/", imports.columns, name="import_columns"),
    path(f"{TENANT}imports/<uuid:import_id>/undo/", imports.undo, name="undo_import"),
    path(f"{TENANT}imports/<uuid:import_id>/retry/", imports.retry, name="retry_import"),
    path(f"{TENANT}uploads/", uploads.begin, name="begin_upload"),
    path(f"{TENANT}uploads/<uuid:upload_id>/", uploads.chunk, name="upload"),
    path(f"{TENANT}uploads/<uuid:upload_id>/import/", uploads.finish, name="finish_upload"),
    path(f"{TENANT}machines/<uuid:machine_id>/", machines.one, name="machine"),
    path(f"{TENANT}identities/", identities.listing, name="identities"),
    path(f"{TENANT}identities/<uuid:identity_id>/", identities.one, name="identity"),
    path(f"{TENANT}cookies/", machines.cookies, name="cookies"),
    path(f"{TENANT}audit/", audit.listing, name="audit"),
    path(f"{TENANT}audit/verify/", audit.verify, name="verify_audit"),
    path("tenants/", tenants.listing, name="tenants"),
    path("tenants/new/", tenants.new, name="new_tenant"),
    path(TENANT, tenants.one, name="tenant"),
    path(f"{TENANT}domains/", tenants.domains, name="tenant_domains"),
    path(f"{TENANT}watchlist/", tenants.watchlist, name="tenant_watchlist"),
    path(ALERTS, alerts.overview, name="alerts"),
    path(f"{ALERTS}channels/new/", alerts.new_channel, name="new_alert_channel"),
    path(CHANNEL, alerts.one_channel, name="alert_channel"),
    path(f"{CHANNEL}test/", alerts.test, name="test_alert_channel"),
    path(f"{CHANNEL}switch/", alerts.switch, name="switch_alert_channel"),
    path(f"{CHANNEL}remove/", alerts.remove, name="remove_alert_channel"),
    path(f"{ALERTS}rules/new/", alert_rules.new, name="new_alert_rule"),
    path(f"{ALERTS}rules/<uuid:rule_id>/", alert_rules.one, name="alert_rule"),
    path(f"{ALERTS}rules/<uuid:rule_id>/remove/", alert_rules.remove, name="remove_alert_rule"),
    path(f"{ALERTS}deliveries/", alerts.deliveries, name="alert_deliveries"),
    path(f"{ALERTS}deliveries/<uuid:delivery_id>/again/", alerts.again, name="send_alert_again"),
    path(f"{TENANT}people/", tenants.invite, name="invite"),
    path(f"{TENANT}people/<uuid:member_id>/role/", tenants.role, name="member_role"),
    path(f"{TENANT}people/<uuid:member_id>/remove/", tenants.remove, name="remove_member"),
    path(f"{TENANT}entra-id-configuration/add/", directory.add_directory, name="add_directory"),
    path(
        f"{TENANT}entra-id-configuration/<uuid:directory_id>/remove/",
        directory.remove_directory,
        name="remove_directory",
    ),
    *_of_directory("", directory.configuration, "directory"),
    *_of_directory("check/", directory.check, "check_directory"),
    *_of_directory("switch/", directory.switch, "switch_directory"),
    *_of_directory("keys/", directory.add, "add_key"),
    *_of_directory("keys/<uuid:key_id>/remove/", directory.remove, "remove_key"),
    *_of_directory("health/", directory_health.health, "directory_health"),
    *_of_directory("sync/", directory_sync.status, "directory_sync"),
    *_of_directory("sync/start/", directory_sync.start, "start_directory_sync"),
    *_of_directory("sync/scope/", directory_sync.scope, "directory_scope"),
    *_of_directory("choices/", choices.choices, "choices"),
    *_of_directory("protected/", choices.add_protected, "protect"),
    *_of_directory("protected/<uuid:entry_id>/remove/", choices.remove_protected, "unprotect"),
    path(f"{TENANT}soc/", choices.soc, name="soc"),
    path(f"{TENANT}soc/<uuid:directory_id>/", choices.soc, name="soc"),
    path("configure/kill-switch/", kill_switch.page, name="kill_switch"),
    path("configure/kill-switch/stop/", kill_switch.stop, name="stop_everything"),
    path("configure/kill-switch/lift/", kill_switch.lift, name="lift_kill_switch"),
    path("tokens/", tokens.listing, name="tokens"),
    path("tokens/<uuid:token_id>/revoke/", tokens.revoke, name="revoke_token"),
]

urlpatterns = [*open_to_all, *(signed_in(page) for page in pages)]
