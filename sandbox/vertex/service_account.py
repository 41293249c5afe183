"""A made-up service account, because unmodified Google clients need credentials. It gives access to nothing."""

from __future__ import annotations

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox import private
from sandbox.google_cloud.project import PROJECT
from sandbox.tls import private_pem


def service_account(folder: Path) -> Path:
    """The account's key file in `folder`, created by the first call."""
    file = folder / "service-account.json"
    if not file.exists():
        private.make_folder(folder)
        _make(file)
    return file


def _make(file: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    account = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "sandbox",
        "private_key": private_pem(key).decode(),
        "client_email": f"sandbox@{PROJECT}.iam.gserviceaccount.com",
        "client_id": "1",
        # Clients sign their own tokens; if one requests a token after all, the request must not leave this machine.
        "token_uri": "http://127.0.0.1:9/token",
    }
    private.write(file, json.dumps(account, indent=1).encode())
