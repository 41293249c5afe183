"""A stand-in of a Databricks workspace: Vector Search ("AI Search") and what its flows need of Unity Catalog."""
