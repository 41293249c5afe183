"""Documents: written one by one or in bulk, parsed against a mapping, shown."""
