"""A stand-in of a model server: the OpenAI-compatible routes for embeddings and chat completions."""
