"""One step each of the Elastic road: plain documents to a verified, aliased index of learned sparse vectors."""
