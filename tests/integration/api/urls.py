"""The addresses of the API alone, at the place where the product mounts them."""

from django.urls import include, path

urlpatterns = [path("api/v1/", include("emberwatch.api.urls"))]
