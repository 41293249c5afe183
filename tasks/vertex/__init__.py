"""The steps of Vertex AI Vector Search, through the official clients."""
