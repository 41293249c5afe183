"""The embedding models that the stand-ins answer with: real weights, run on this machine."""
