"""gRPC in and out: servers, raw messages, pages of listings."""
