"""HTTP in and out: media types, routing, faults, error bodies."""
