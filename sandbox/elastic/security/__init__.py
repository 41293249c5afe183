"""API keys of limited rights: made, asked what they may do, and held to it."""
