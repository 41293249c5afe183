"""The one project that the stand-in knows."""

from __future__ import annotations

from sandbox.google_cloud.project import LOCATION, NETWORK, PROJECT, PROJECT_NUMBER

__all__ = ["LOCATION", "NETWORK", "PROJECT", "PROJECT_NUMBER"]
