"""How good retrieval and answers are, on questions whose answers are known."""
