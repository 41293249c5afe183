"""What the cluster and its nodes say about themselves."""
