"""One step each: what a flow chains. Knows protos, never flows or sandbox."""
