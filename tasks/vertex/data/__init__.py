"""Vectors in files: read, validated, written as import files."""
