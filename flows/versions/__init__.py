"""Versions of a name on services that have no alias: swapped, rolled back and pruned in one way for every engine."""
