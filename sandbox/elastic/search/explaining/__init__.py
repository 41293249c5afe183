"""Why a document matches a query, and how its score came about."""
