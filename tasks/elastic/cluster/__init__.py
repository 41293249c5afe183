"""The cluster, its models and their deployments, and its tasks."""
