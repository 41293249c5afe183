"""The command line: `main` is its outermost frame, `tree` its commands, `endings` its exit codes."""
