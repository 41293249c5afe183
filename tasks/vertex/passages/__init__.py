"""Passages of documents: their embeddings in an index, all else in the bucket, since Vertex AI neither lists nor holds texts."""
