"""Query parameters: which ones each API knows, and what becomes of each. COVERAGE.md shows the table."""
