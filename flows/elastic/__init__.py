"""The flows of Elasticsearch with ELSER."""
