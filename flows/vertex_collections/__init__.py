"""The flows of Vector Search 2.0: collections of data objects on Vertex AI."""
