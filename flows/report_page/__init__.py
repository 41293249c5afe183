"""A report as a page, with pictures of its measurements."""
