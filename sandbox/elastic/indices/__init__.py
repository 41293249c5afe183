"""Indices, their mappings, settings and aliases."""
