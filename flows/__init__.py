"""What happens in which order: one short file a flow; no client, no protocol, no SDK type."""
