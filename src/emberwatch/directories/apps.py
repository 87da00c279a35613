from django.apps import AppConfig


class DirectoriesConfig(AppConfig):
    name = "emberwatch.directories"
    label = "directories"
