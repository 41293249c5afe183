"""Searches: visible documents, queries, scores, sorting and pages."""
