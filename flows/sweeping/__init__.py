"""Sweeping a target: finding what is idle or expired of ours, and removing it by its engine's own teardown."""
