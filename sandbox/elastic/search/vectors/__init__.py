"""Graphs over vectors."""
