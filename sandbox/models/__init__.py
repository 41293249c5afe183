"""The models that the stand-ins answer with: real weights, run on this machine. Most embed, one writes."""
