"""Queries against a deployed index, through the public and the private MatchService."""
