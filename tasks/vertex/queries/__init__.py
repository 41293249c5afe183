"""Queries of a served index, and their neighbors."""
