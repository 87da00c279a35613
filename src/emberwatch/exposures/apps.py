from django.apps import AppConfig


class ExposuresConfig(AppConfig):
    name = "emberwatch.exposures"
    label = "exposures"
