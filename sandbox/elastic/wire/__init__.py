"""HTTP in and out: media types, routing, faults, the error envelope."""
