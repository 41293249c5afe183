"""Tasks: what runs in the background, and how clients follow and cancel it."""
