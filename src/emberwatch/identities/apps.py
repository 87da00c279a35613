from django.apps import AppConfig


class IdentitiesConfig(AppConfig):
    name = "emberwatch.identities"
    label = "identities"
