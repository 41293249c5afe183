"""What a hit shows beside its source: single values, highlights."""
