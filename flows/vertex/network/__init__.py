"""The private network of an endpoint: checked, ensured, removed."""
