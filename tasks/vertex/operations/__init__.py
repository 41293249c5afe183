"""Long-running operations: found, followed, cancelled; resources that an earlier run left unfinished."""
