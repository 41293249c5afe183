"""The cluster's identity, its nodes, and the APIs that describe them."""
