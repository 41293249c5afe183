"""Which protocol a connection speaks, by the first bytes that its client sends.

gRPC clients open HTTP/2 at once; over TLS they offer `h2` only (RFC 7301). Everybody else also offers HTTP/1.1, or
nothing.
"""

from __future__ import annotations

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113, section 3.4
_HANDSHAKE, _ALPN = 0x16, 16
_RECORD_HEADER, _HELLO_HEADER = 5, 4 + 2 + 32  # type, length, version and random of the ClientHello


def is_grpc(first: bytes, *, tls: bool) -> bool | None:
    """Whether these bytes open a connection of gRPC; None if there are too few of them to say."""
    if not tls:
        return (
            None if len(first) < len(_PREFACE) and _PREFACE.startswith(first) else first.startswith(_PREFACE)
        )
    if first and first[0] != _HANDSHAKE:
        return False
    length = _RECORD_HEADER + int.from_bytes(first[3:5], "big")
    if len(first) < _RECORD_HEADER or len(first) < length:
        return None
    try:
        return _offered(first[_RECORD_HEADER:length]) == [b"h2"]
    except IndexError:
        return False


def _offered(hello: bytes) -> list[bytes]:
    """The protocols that a ClientHello offers (RFC 8446, section 4.1.2); empty if it does not say.

    Raises:
        IndexError: it is malformed.
    """
    at = _HELLO_HEADER
    at += 1 + hello[at]  # session id
    at += 2 + int.from_bytes(hello[at : at + 2], "big")  # cipher suites
    at += 1 + hello[at]  # compression methods
    at += 2
    while at < len(hello):
        kind, size = int.from_bytes(hello[at : at + 2], "big"), int.from_bytes(hello[at + 2 : at + 4], "big")
        if kind == _ALPN:
            return _names(hello[at + 6 : at + 4 + size])
        at += 4 + size
    return []


def _names(listed: bytes) -> list[bytes]:
    found: list[bytes] = []
    at = 0
    while at < len(listed):
        found.append(listed[at + 1 : at + 1 + listed[at]])
        at += 1 + listed[at]
    return [name for name in found if name != b"grpc-exp"]  # which older clients offer beside h2
