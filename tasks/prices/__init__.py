"""Prices by which costs are told."""
