"""Recall and latency of what is served."""
