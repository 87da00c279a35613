"""The pages: server-rendered, htmx for what moves, strict content security policy."""
