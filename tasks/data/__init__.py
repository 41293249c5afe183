"""Vectors from files: read, validated, written as import files, searched exactly."""
