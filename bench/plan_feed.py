"""Planning a feed of 1,000,000 credentials of 200,000 accounts, beside a plain read of the same rows in order."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from bench.place import installation, peak_megabytes, tenant_with_directory

if TYPE_CHECKING:
    from emberwatch.tenants.models import Tenant

CREDENTIALS: Final = 1_000_000
ACCOUNTS: Final = 200_000
AIM_SECONDS: Final = 60
AIM_MEGABYTES: Final = 1024
CLIENT: Final = UUID(int=2)

# Each credential has one sighting, every fourth a second one, every tenth at a sign-in page.
_FILL: Final = (
    """INSERT INTO exposures_source (id, tenant_id, kind, name, created_at)
       VALUES (gen_random_uuid(), %(tenant)s, 'ulp', 'bench', now())""",
    """INSERT INTO exposures_credential
         (id, tenant_id, fingerprint, login, login_canonical, domain, sealed_secret, secret_kind, hash_types,
          secret_length, secret_classes, source_kind, leaked_at, leaked_at_basis, exposure_kind, first_seen_at,
          last_seen_at, verdict, verdict_group, certainty, matched_by)
       SELECT gen_random_uuid(), %(tenant)s, sha256(n::text::bytea), l, l, 'contoso.example', '\\x00', 'plaintext',
              '[]', 10, 'aA1', (ARRAY['combo_list', 'breach', 'ulp', 'stealer_log'])[1 + n %% 4],
              now() - (n %% 1500) * interval '1 day', 'stated', 'employee', now(), now(), 'unvalidated',
              'not_validated', '', ''
       FROM (SELECT n, 'u' || n %% %(accounts)s || '@contoso.example' AS l
             FROM generate_series(1, %(credentials)s) n) rows""",
    """INSERT INTO exposures_sighting
         (id, tenant_id, credential_id, source_id, place, file_name, line, url, application, leaked_at_basis,
          seen_at, also_in)
       SELECT gen_random_uuid(), c.tenant_id, c.id, s.id, substr(sha256((c.id::text || copy)::bytea), 1, 16),
              'leak.txt', copy,
              CASE WHEN c.secret_length = 10 AND random() < 0.1 THEN 'https://login.microsoftonline.com/'
                   ELSE 'https://shop.tailspin.example/' END, '', '', now(), '{}'
       FROM exposures_credential c CROSS JOIN exposures_source s CROSS JOIN generate_series(1, 2) copy
       WHERE copy = 1 OR random() < 0.25""",
)
_READ: Final = """SELECT login_canonical, source_kind, leaked_at FROM exposures_credential
                  WHERE tenant_id = %s ORDER BY login_canonical"""


def plan_feed() -> None:
    installation()
    now = datetime.now(UTC)
    tenant = tenant_with_directory(now, CLIENT)
    _fill(tenant)
    before = peak_megabytes()
    planning = _plan(tenant, now)
    planned = peak_megabytes()
    reading = _read(tenant)
    print(f"plan-feed: {CREDENTIALS:,} credentials of {ACCOUNTS:,} accounts, embedded PostgreSQL")
    print(f"  planning                                      {planning:8.1f} s")
    print(
        f"  limit: reading the same rows in order         {reading:8.1f} s   ratio {planning / reading:.2f}"
    )
    print(f"  peak memory of the process                    {planned:8.0f} MB  (before: {before:.0f} MB)")
    reached = planning <= AIM_SECONDS and planned <= AIM_MEGABYTES
    print(
        f"  aim: within {AIM_SECONDS} s and {AIM_MEGABYTES} MB                  "
        f"{'reached' if reached else 'NOT reached'}"
    )


def _fill(tenant: Tenant) -> None:
    from django.db import connection

    values: dict[str, str | int] = {
        "tenant": str(tenant.id),
        "accounts": ACCOUNTS,
        "credentials": CREDENTIALS,
    }
    with connection.cursor() as cursor:
        for statement in _FILL:
            cursor.execute(statement, values if "%(" in statement else None)


def _plan(tenant: Tenant, now: datetime) -> float:
    from emberwatch.validation.models import Run, RunItem
    from emberwatch.validation.planning import plan_run

    run = Run.objects.create(
        tenant=tenant,
        entra_tenant_id=tenant.directory_connection.entra_tenant_id,
        mode="attempts",
        requested_by="bench",
        requested_at=now,
    )
    begin = time.perf_counter()
    plan_run(run, now=now, confirm_likely=True)
    seconds = time.perf_counter() - begin
    run.refresh_from_db()
    if (run.credentials, RunItem.objects.filter(run=run).count()) != (CREDENTIALS, ACCOUNTS):
        raise SystemExit("The plan is not whole.")
    return seconds


def _read(tenant: Tenant) -> float:
    from django.db import connection, transaction

    begin = time.perf_counter()
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_READ, [tenant.id])
        while cursor.fetchmany(20_000):
            pass
    return time.perf_counter() - begin
