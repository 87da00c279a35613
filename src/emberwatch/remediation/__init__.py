"""Changing an account whose password leaked: plan, approve, execute, read back, undo."""
