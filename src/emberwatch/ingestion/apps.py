from django.apps import AppConfig


class IngestionConfig(AppConfig):
    name = "emberwatch.ingestion"
    label = "ingestion"
