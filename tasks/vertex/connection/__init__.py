"""The official clients of a target, their credentials, and what their errors mean."""
