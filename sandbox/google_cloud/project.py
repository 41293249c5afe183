"""The one project that the stand-ins of Google Cloud know, and what is there from the start."""

from __future__ import annotations

PROJECT = "sandbox-project"
PROJECT_NUMBER = "123456789012"
LOCATION = "us-central1"
NETWORK = f"projects/{PROJECT_NUMBER}/global/networks/sandbox"
