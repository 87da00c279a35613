from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string


class AlertsConfig(AppConfig):
    name = "emberwatch.alerts"
    label = "alerts"

    def ready(self) -> None:
        from emberwatch.alerts.witnesses import install

        install(import_string(settings.WITNESSES))
