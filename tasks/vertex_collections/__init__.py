"""Vector Search 2.0 of Vertex AI: collections of data objects, their indexes, and what is searched in them."""
