"""Embedding the documents of an index into a new one: the chain of steps, and the ways in which they are embedded."""
