"""Compute Engine's networks, Service Networking and Service Usage: what a private endpoint needs before it can be made."""
