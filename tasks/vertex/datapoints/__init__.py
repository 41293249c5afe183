"""Datapoints as values, in files and as messages."""
