"""The page of `answers serve`: what it asks, what it shows, and who gets in."""
