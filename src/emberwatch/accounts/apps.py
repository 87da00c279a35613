from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "emberwatch.accounts"
    label = "accounts"
