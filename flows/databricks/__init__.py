"""The flows of Databricks Vector Search."""
