"""Searches: what a refresh made visible, queries over it, scores, order and pages."""
