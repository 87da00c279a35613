"""The key ring that wraps data keys: ``id:base64`` pairs; the first one wraps, all of them unwrap."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from emberwatch.core.errors import BadInput
from emberwatch.core.files import private_file
from emberwatch.core.secret import Secret
from emberwatch.vault.crypto import KEY_BYTES, VaultError, decrypt, encrypt, new_key

KEY_FILE_NAME: Final = "vault.keys"


@dataclass(frozen=True, slots=True)
class KeyRing:
    primary: str
    _keys: Mapping[str, bytes] = field(repr=False)

    def wrap(self, data_key: bytes, scope: str) -> tuple[str, bytes]:
        """The id of the wrapping key and the wrapped data key."""
        return self.primary, encrypt(self._keys[self.primary], data_key, scope.encode())

    def unwrap(self, key_id: str, wrapped: bytes, scope: str) -> bytes:
        if key_id not in self._keys:
            raise VaultError(
                f"The key ring has no key named {key_id}.", remedy="Add it to EMBERWATCH_VAULT_KEYS."
            )
        return decrypt(self._keys[key_id], wrapped, scope.encode())


def parse_key_ring(text: Secret) -> KeyRing:
    pairs = [entry.strip() for entry in text.expose().replace("\n", ",").split(",") if entry.strip()]
    keys = dict(_pair(entry) for entry in pairs)
    if not keys or len(keys) != len(pairs):
        raise BadInput("EMBERWATCH_VAULT_KEYS: needs `id:base64` pairs with different ids.")
    return KeyRing(next(iter(keys)), keys)


def _pair(entry: str) -> tuple[str, bytes]:
    key_id, _, encoded = entry.partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        key = b""
    if not key_id or len(key) != KEY_BYTES:
        raise BadInput(
            f"EMBERWATCH_VAULT_KEYS: each entry is an id, a colon and {KEY_BYTES} bytes in base64."
        )
    return key_id, key


def key_ring_in_folder(folder: Path) -> KeyRing:
    """Reads the key file of a data folder, or makes one (mode 0600) that is never overwritten."""
    return parse_key_ring(Secret(private_file(folder / KEY_FILE_NAME, _new_entry)))


def _new_entry() -> str:
    return "k1:" + base64.b64encode(new_key()).decode()
