"""Where leaked data comes from: files and archives on disk."""
