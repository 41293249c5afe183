"""The queries about fields: values, texts, learned sparse vectors, dense vectors, semantic_text."""
