"""Documents embedded by a reindex task, and what it left repaired."""
