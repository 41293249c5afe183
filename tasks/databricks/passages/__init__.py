"""Passages of documents in Direct Vector Access indexes of their own: written, compared with their documents, found."""
