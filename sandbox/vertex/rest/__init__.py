"""The API over HTTP and JSON: the same methods, called as Google's REST servers define it."""
