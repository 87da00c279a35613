"""Emberwatch: which leaked credentials still work in an organisation's own Microsoft Entra ID."""

from typing import Final

__version__: Final = "0.1.0"
