"""Imports: the files behind a contentsDeltaUri, in the formats of "Input data format and structure"."""
