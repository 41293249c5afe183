"""Cloud Storage: the part of its JSON API that the official client and Vertex AI's imports use."""
