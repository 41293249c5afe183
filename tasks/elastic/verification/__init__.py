"""Whether an embedded index is what it should be, and what to change where it is not."""
