"""Indexes, endpoints and deployed indexes: created, waited for, removed."""
