"""The command as people type it, for every help text, error and remedy that names it."""

PROGRAM = "vector-search"
