"""Trained models, their deployments on the machine-learning nodes, and inference."""
