"""The bucket and the import files in it."""
