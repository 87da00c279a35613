"""Names that several tests share."""

from typing import Final

DIRECTORY: Final = "11111111-aaaa-4bbb-8ccc-000000000001"
APP: Final = "22222222-aaaa-4bbb-8ccc-000000000002"
SECRET: Final = "Zx8Q~client-secret-value-of-the-test-app.1"
RIGHT: Final = "Right-Passw0rd!"
