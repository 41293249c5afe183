"""The datapoints of an index: imported, streamed in, kept, filtered, searched."""
