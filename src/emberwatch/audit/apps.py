from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "emberwatch.audit"
    label = "audit"
