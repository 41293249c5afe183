"""What surrounds a run: its name's slot, its deployment, the death of Prefect's server, the process that it has to itself."""
