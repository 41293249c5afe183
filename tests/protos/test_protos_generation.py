import re

from google.protobuf.message import Message

from protos import generate, messages


def test_the_checked_in_output_is_what_the_proto_file_generates():
    assert generate.stale(generate.generate()) == []


def test_a_changed_file_is_found_stale(tmp_path):
    unchanged, changed, absent = (tmp_path / name for name in ("unchanged", "changed", "absent"))
    unchanged.write_bytes(b"same")
    changed.write_bytes(b"old")
    generated = {unchanged: b"same", changed: b"new", absent: b"new"}
    assert generate.stale(generated) == [changed, absent]


def test_the_stub_and_the_loader_name_the_same_messages():
    stub = (generate.HERE / "messages.pyi").read_text()
    named = set(re.findall(r"^class (\w+)\(", stub, flags=re.MULTILINE))
    loaded = {
        name
        for name, value in vars(messages).items()
        if isinstance(value, type) and issubclass(value, Message)
    } - {"Message"}
    assert named == loaded


def test_the_loader_has_every_message_of_the_file():
    missing = [name for name in messages.DESCRIPTOR.message_types_by_name if not hasattr(messages, name)]
    assert missing == []
