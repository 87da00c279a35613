"""Runs background jobs (Procrastinate) and announces facts. It knows no service: ``pipeline`` connects the two."""
