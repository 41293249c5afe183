"""Documents: written singly or in bulk, parsed against a mapping, stored and shown."""
