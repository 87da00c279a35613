"""Settings, root URLs and the embedded database. Reading settings never connects to anything."""
