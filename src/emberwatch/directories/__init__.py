"""Connections to an organisation's directory. ``base`` is the interface, one folder per system holds an adapter."""
