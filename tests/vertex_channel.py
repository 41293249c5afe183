"""A channel to the Vertex stand-in for tests that make their clients themselves."""

from pathlib import Path

import grpc


def channel_to(environment, kind=grpc, options=()):
    """Over TLS with the stand-in's token, by what it announces; `kind` is `grpc` or `grpc.aio`."""
    trust = grpc.ssl_channel_credentials(Path(environment["VERTEX_CA_FILE"]).read_bytes())
    token = grpc.access_token_call_credentials(environment["VERTEX_ACCESS_TOKEN"])
    return kind.secure_channel(
        environment["VERTEX_API_ENDPOINT"], grpc.composite_channel_credentials(trust, token), options
    )
