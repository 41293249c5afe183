"""The API's versions: the stand-in is written in v1, and v1beta1 is converted to and from it."""
