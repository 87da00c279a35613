"""A foreign issuer for the tests: it signs tokens, and can publish its keys over TLS."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa

from emberwatch.simulator import FederatedScenario

SUBJECT = "system:serviceaccount:watch:worker"
AUDIENCE = "api://AzureADTokenExchange"


def a_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Issuer:
    url: str = "https://issuer.example"
    ca_file: str = ""
    key: rsa.RSAPrivateKey = field(default_factory=a_key)

    @property
    def jwks(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": "first", "use": "sig", "alg": "RS256"}]}

    def token(self, now: datetime, *, kid: str = "first", **changes: Any) -> str:
        start = int(now.timestamp())
        claims = {
            "iss": self.url,
            "sub": SUBJECT,
            "aud": AUDIENCE,
            "iat": start,
            "nbf": start,
            "exp": start + 600,
            **changes,
        }
        return jwt.encode(claims, self.key, "RS256", headers={"kid": kid})

    def trust(self, **changes: Any) -> FederatedScenario:
        plain = {"name": "worker", "issuer": self.url, "subject": SUBJECT, "jwks": self.jwks}
        return FederatedScenario(**{**plain, **changes})

    def fetched_trust(self) -> FederatedScenario:
        """Trust that lets the keys be fetched from the issuer's own server."""
        return self.trust(jwks={}, ca_file=self.ca_file)


@contextmanager
def published(folder: Path) -> Iterator[Issuer]:
    """An issuer whose discovery document and keys can be fetched."""
    authority = trustme.CA()
    ca_file = folder / "issuer.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    issuer = Issuer(ca_file=str(ca_file))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages = {
                "/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"},
                "/keys": issuer.jwks,
            }
            page = pages.get(self.path)
            self.send_response(404 if page is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(page).encode())

        def log_message(self, *_: Any) -> None:
            """Tests need no log."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    issuer.url = f"https://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
