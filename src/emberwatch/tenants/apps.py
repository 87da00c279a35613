from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "emberwatch.tenants"
    label = "tenants"
