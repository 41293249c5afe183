"""How long what a plan announces will take: from earlier runs' reports, else from a file of documented durations."""
