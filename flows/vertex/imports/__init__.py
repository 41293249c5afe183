"""Imports of files beside what an index holds."""
