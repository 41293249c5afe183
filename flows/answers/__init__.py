"""Flows that answer questions from documents. The engine that holds the passages is a parameter."""
