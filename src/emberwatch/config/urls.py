"""Root of all addresses. The shells are named as strings, so that configuration imports none of them."""

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("emberwatch.api.urls")),
    path("", include("emberwatch.web.urls")),
]

handler400 = "emberwatch.web.errors.bad_request"
handler403 = "emberwatch.web.errors.forbidden"
handler404 = "emberwatch.web.errors.not_found"
handler500 = "emberwatch.web.errors.server_error"
