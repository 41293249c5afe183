"""How the server tells runs from a terminal apart. It imports nothing: the catalog of automations reads it too."""

TERMINAL = "terminal"
"""The tag of such a run."""
