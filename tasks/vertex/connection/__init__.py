"""The official clients of a target, who asks, and what their errors mean."""
