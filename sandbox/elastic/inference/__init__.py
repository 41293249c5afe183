"""Inference endpoints: a service and a model under one id, which mappings, pipelines and queries name."""
