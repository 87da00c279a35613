"""What an admin may paste into the three fields."""

from __future__ import annotations

import pytest

from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.directories.entra.shapes import check_shapes

APP = "22222222-aaaa-4bbb-8ccc-000000000002"
DIRECTORY = "11111111-aaaa-4bbb-8ccc-000000000001"
VALUE = "Zx8Q~client-secret-value"


def test_good_fields_are_parsed() -> None:
    fields = check_shapes(f" {APP} ", Secret(f" {VALUE}\n"), "{" + DIRECTORY.upper() + "}")
    assert str(fields.client_id) == APP
    assert str(fields.entra_tenant_id) == DIRECTORY
    assert fields.client_secret == Secret(VALUE)


def test_an_empty_secret_means_keep() -> None:
    assert check_shapes(APP, Secret("  "), DIRECTORY).client_secret is None


@pytest.mark.parametrize(
    ("client_id", "secret", "entra_tenant_id", "field", "words"),
    [
        (APP, DIRECTORY, DIRECTORY, "client_secret", "looks like the secret's ID; paste the Value"),
        (VALUE, APP, DIRECTORY, "client_secret", "Entra Client ID look swapped"),
        (APP, DIRECTORY, VALUE, "client_secret", "Entra Tenant ID look swapped"),
        ("contoso", VALUE, DIRECTORY, "client_id", "not an ID"),
        (APP, VALUE, "contoso.onmicrosoft.com", "entra_tenant_id", "not an ID"),
        ("", VALUE, DIRECTORY, "client_id", "missing"),
        (APP, VALUE, "", "entra_tenant_id", "missing"),
        (APP, VALUE, APP, "entra_tenant_id", "the same value"),
    ],
)
def test_what_cannot_be_right(
    client_id: str, secret: str, entra_tenant_id: str, field: str, words: str
) -> None:
    with pytest.raises(BadInput) as caught:
        check_shapes(client_id, Secret(secret), entra_tenant_id)
    assert caught.value.field == field
    assert words in str(caught.value)
    assert VALUE not in str(caught.value)
