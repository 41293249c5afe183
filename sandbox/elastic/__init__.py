"""The Elasticsearch REST API, as a stand-in."""
