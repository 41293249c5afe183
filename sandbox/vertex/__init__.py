"""The Vertex AI Vector Search services, as a stand-in."""
