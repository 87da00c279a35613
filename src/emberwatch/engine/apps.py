from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string


class EngineConfig(AppConfig):
    name = "emberwatch.engine"
    label = "engine"

    def ready(self) -> None:
        from emberwatch.engine.facts import install

        install(import_string(settings.PIPELINE))
