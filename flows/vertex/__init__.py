"""The flows of Vertex AI Vector Search."""
