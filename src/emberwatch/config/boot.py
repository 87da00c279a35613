"""Brings one process up: settings, the embedded database if it is the chosen one, then Django."""

from __future__ import annotations

import os

import django

from emberwatch.config.embedded import EmbeddedPostgres
from emberwatch.config.environment import Environment, load


def boot() -> Environment:
    """Starts or joins the embedded database and sets Django up; call once, before any model is imported."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emberwatch.config.settings")
    environment = load()
    environment.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if environment.uses_embedded_database:
        EmbeddedPostgres(environment.data_dir).acquire()
    django.setup()
    return environment
