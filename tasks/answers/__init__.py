"""Answers from documents: documents, chunks, prompts, checked citations, measures. No engine is known here."""
