"""The private MatchService: its protocol, and the loader of its messages."""
