"""Documents in a folder, read as text, each file checked."""
