"""Search templates: Mustache texts that become searches, and the scripts that store them."""
