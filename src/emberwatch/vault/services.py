"""Hands out the vault of a tenant or of the installation; makes its data key on first use."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from django.conf import settings

from emberwatch.config.environment import Environment
from emberwatch.vault.crypto import Vault, VaultError, new_key
from emberwatch.vault.keyring import KeyRing, key_ring_in_folder, parse_key_ring
from emberwatch.vault.models import DataKey


@lru_cache(maxsize=1)
def key_ring() -> KeyRing:
    environment: Environment = settings.ENVIRONMENT
    if environment.vault_keys is not None:
        return parse_key_ring(environment.vault_keys)
    return key_ring_in_folder(environment.data_dir)


def tenant_vault(tenant_id: UUID) -> Vault:
    return _open(f"tenant:{tenant_id}", tenant_id)


def installation_vault() -> Vault:
    """For values that several tenants share, such as the pair fingerprints of attempts on one directory."""
    return _open("installation", None)


def _open(scope: str, tenant_id: UUID | None) -> Vault:
    row = _row(tenant_id) or _create(scope, tenant_id)
    return _unwrapped(scope, row.ring_key_id, bytes(row.wrapped))


@lru_cache(maxsize=256)
def _unwrapped(scope: str, ring_key_id: str, wrapped: bytes) -> Vault:
    return Vault.from_data_key(scope, key_ring().unwrap(ring_key_id, wrapped, scope))


def _create(scope: str, tenant_id: UUID | None) -> DataKey:
    ring_key_id, wrapped = key_ring().wrap(new_key(), scope)
    fresh = DataKey(tenant_id=tenant_id, wrapped=wrapped, ring_key_id=ring_key_id)
    # Two processes may get here at once; the constraint lets one row in and both read that one.
    DataKey.objects.bulk_create([fresh], ignore_conflicts=True)
    row = _row(tenant_id)
    if row is None:
        raise VaultError("The data key that was just made is gone.")
    return row


def _row(tenant_id: UUID | None) -> DataKey | None:
    if tenant_id is None:
        return DataKey.objects.filter(tenant__isnull=True).first()
    return DataKey.objects.filter(tenant_id=tenant_id).first()
