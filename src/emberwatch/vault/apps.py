from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "emberwatch.vault"
    label = "vault"
