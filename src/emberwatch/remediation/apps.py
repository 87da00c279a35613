from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string


class RemediationConfig(AppConfig):
    name = "emberwatch.remediation"
    label = "remediation"

    def ready(self) -> None:
        from emberwatch.remediation.safeguards import install

        install(import_string(settings.SAFEGUARDS))
