"""Language and embedding models behind OpenAI's routes, whoever serves them."""
