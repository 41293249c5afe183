"""Local stand-ins that speak the real wire protocols on loopback. Never imports flows or tasks."""
