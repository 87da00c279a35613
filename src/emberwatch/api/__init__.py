"""The REST API ``/api/v1``: parses a request, calls one service, renders its answer as JSON."""
