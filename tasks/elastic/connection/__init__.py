"""The official client of a target, and what its errors mean."""
