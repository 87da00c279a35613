"""Sealing: what opens, and what must not."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.vault.crypto import Vault, VaultError, new_key
from emberwatch.vault.keyring import key_ring_in_folder, parse_key_ring

KEY = new_key()
VAULT = Vault.from_data_key("tenant:a", KEY)


@given(st.text())
def test_a_sealed_value_opens_to_the_character(value: str) -> None:
    sealed = VAULT.seal(Secret(value), "credential:1")
    assert VAULT.open(sealed, "credential:1") == Secret(value)


def test_a_sealed_value_opens_nowhere_else() -> None:
    sealed = VAULT.seal(Secret("v"), "credential:1")
    other_scope = Vault.from_data_key("tenant:b", KEY)
    other_key = Vault.from_data_key("tenant:a", new_key())
    for vault, context in (
        (VAULT, "credential:2"),
        (other_scope, "credential:1"),
        (other_key, "credential:1"),
    ):
        with pytest.raises(VaultError):
            vault.open(sealed, context)


@pytest.mark.parametrize("at", [0, 1, 13, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    sealed = bytearray(VAULT.seal(Secret("value"), "c"))
    sealed[at] ^= 1
    with pytest.raises(VaultError):
        VAULT.open(bytes(sealed), "c")


def test_fingerprints_are_keyed_and_unambiguous() -> None:
    assert VAULT.fingerprint("a", Secret("b")) == VAULT.fingerprint("a", Secret("b"))
    assert VAULT.fingerprint("ab", "c") != VAULT.fingerprint("a", "bc")
    assert Vault.from_data_key("tenant:a", new_key()).fingerprint("a") != VAULT.fingerprint("a")


def test_nothing_of_a_key_is_printed() -> None:
    assert base64.b64encode(KEY).decode() not in repr(VAULT)
    assert repr(VAULT) == "Vault(scope='tenant:a')"


def _entry(key_id: str) -> str:
    return f"{key_id}:{base64.b64encode(new_key()).decode()}"


def test_an_older_key_still_unwraps_and_the_first_one_wraps() -> None:
    old, new = _entry("old"), _entry("new")
    key_id, wrapped = parse_key_ring(Secret(old)).wrap(KEY, "tenant:a")
    ring = parse_key_ring(Secret(f"{new},{old}"))
    assert ring.unwrap(key_id, wrapped, "tenant:a") == KEY
    assert ring.wrap(KEY, "tenant:a")[0] == "new"
    with pytest.raises(VaultError):
        ring.unwrap(key_id, wrapped, "tenant:b")
    with pytest.raises(VaultError):
        parse_key_ring(Secret(new)).unwrap(key_id, wrapped, "tenant:a")


@pytest.mark.parametrize("text", ["", "k1", "k1:short", ":AAAA", "k1:" + "A" * 43, "k1:!!!"])
def test_a_bad_ring_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_key_ring(Secret(text))
    assert "AAAA" not in str(caught.value)


def test_two_ids_that_are_the_same_are_refused() -> None:
    with pytest.raises(BadInput):
        parse_key_ring(Secret(f"{_entry('k')},{_entry('k')}"))


def test_the_key_file_is_made_once_and_is_private(tmp_path: Path) -> None:
    first = key_ring_in_folder(tmp_path)
    key_id, wrapped = first.wrap(KEY, "s")
    assert key_ring_in_folder(tmp_path).unwrap(key_id, wrapped, "s") == KEY
    assert stat.S_IMODE((tmp_path / "vault.keys").stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["vault.keys"]
