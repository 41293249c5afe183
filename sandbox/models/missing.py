"""What a stand-in says when a model's files cannot be used here."""

from __future__ import annotations


class ModelMissing(Exception):
    """A model cannot run here: its files are missing or unexpected, or there is no engine for this machine."""
