"""Leaked data in: an import opens, parses, matches and records, and counts every entry that it read."""
