"""Passages of documents in an index of their own: written, compared with their documents, found."""
