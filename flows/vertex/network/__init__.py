"""The private network of an endpoint: made, checked, removed."""
