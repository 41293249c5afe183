import socket

import pytest

from sandbox.announced import SandboxError
from sandbox.ports import Ports, bound, listen


def test_a_port_is_handed_over_as_the_socket_that_was_bound_so_that_nobody_gets_in_between(tmp_path):
    ports = Ports(tmp_path, ["one", "two"])
    with ports.take("one") as taken:
        ports.release()
        assert taken.getsockname() == ("127.0.0.1", ports["one"])
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", ports["one"]))
    socket.create_server(("127.0.0.1", ports["two"])).close()


def test_the_ports_of_a_folder_are_the_same_again_and_a_taken_one_is_named(tmp_path):
    first = Ports(tmp_path, ["one"])
    first.release()
    again = Ports(tmp_path, ["one"])
    assert again == first
    with again.take("one") as listening:
        listening.listen()
        with pytest.raises(SandboxError, match=f"Port {first['one']}.*is taken"):
            Ports(tmp_path, ["one"])


def test_a_port_on_which_another_process_began_to_listen_in_between_is_named():
    with bound() as first, bound(first.getsockname()[1]) as second:
        listen(first)
        with pytest.raises(SandboxError, match=f"Port {first.getsockname()[1]} is taken"):
            listen(second)
