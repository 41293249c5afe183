"""What is measured, whatever engine serves it: exact neighbors, recall, latency."""
