"""Searches by meaning, and search templates."""
