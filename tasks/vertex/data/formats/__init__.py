"""The formats that vectors arrive in, one module each; all of them are read as named datasets of rows."""
