"""Vector Search 2.0: collections, their data objects and indexes, and what is searched in them."""
