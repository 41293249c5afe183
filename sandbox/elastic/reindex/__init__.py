"""Tasks, and the two that run long: reindex and update by query."""
