from django.apps import AppConfig


class ValidationConfig(AppConfig):
    name = "emberwatch.validation"
    label = "validation"
