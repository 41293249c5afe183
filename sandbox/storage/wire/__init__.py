"""HTTP in and out: requests and their bodies, the methods of the API, faults, the write log, error bodies."""
