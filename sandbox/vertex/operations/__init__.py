"""Long-running operations: how they move, and the API that shows them."""
