"""Targets that Prefect keeps: settings of real services under a name, their secrets encrypted on Prefect's server."""
