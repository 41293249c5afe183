"""Steps for Databricks Vector Search, through the official SDK."""
