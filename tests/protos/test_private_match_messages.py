import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from protos import match_service
from protos.match_service import SERVICE_NAME, MatchRequest, MatchResponse, MatchServiceStub

OURS = "from protos import match_service as ours"
SDK = """
    import google.cloud.aiplatform
    from google.cloud.aiplatform.matching_engine._protos import match_service_pb2 as sdk
"""

# Every field of every message is set from its type, so that a field added later is covered without a new test.
EXCHANGE = """
    from google.protobuf import struct_pb2

    VALUES = {1: 1.5, 2: 0.1, 3: -(2**62), 5: 7, 8: True, 9: "dvě", 12: b"bytes", 14: 5}

    def fill(message, oneof_turn):
        for field in message.DESCRIPTOR.fields:
            if field.containing_oneof and field.containing_oneof.fields[oneof_turn % len(field.containing_oneof.fields)] is not field:
                continue
            target = getattr(message, field.name)
            if field.message_type is None:
                value = VALUES[field.type]
                target.extend([value, value]) if field.is_repeated else setattr(message, field.name, value)
            elif field.message_type.full_name == "google.protobuf.Struct":
                target.update({"words": ["a", None, True], "nested": {"x": 1.5}})
            elif field.message_type.full_name == "google.rpc.Status":
                target.code, target.message = 5, "not here"
                target.details.add(type_url="type.googleapis.com/x", value=b"raw")
            else:
                fill(target.add() if field.is_repeated else target, oneof_turn)
        return message

    names = sorted(sdk.DESCRIPTOR.message_types_by_name)
    assert names == sorted(ours.MatchRequest.DESCRIPTOR.file.message_types_by_name)
    for name in names:
        for oneof_turn in range(3):
            for writer, reader in [(ours, sdk), (sdk, ours)]:
                written = fill(getattr(writer, name)(), oneof_turn)
                raw = written.SerializeToString(deterministic=True)
                read = getattr(reader, name).FromString(raw)
                assert str(read) == str(written), name
                assert read.SerializeToString(deterministic=True) == raw, name
    print("exchanged", len(names))
"""


def run_alone(*parts, implementation):
    script = "\n".join(textwrap.dedent(part) for part in parts)
    environment = os.environ | {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation}
    return subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("implementation", ["upb", "python"])
@pytest.mark.parametrize(("first", "second"), [(OURS, SDK), (SDK, OURS)], ids=["ours first", "SDK first"])
def test_every_field_passes_between_our_messages_and_the_sdks_in_one_process(first, second, implementation):
    result = run_alone(first, second, EXCHANGE, implementation=implementation)
    assert (result.returncode, result.stdout.strip()) == (0, "exchanged 10"), result.stderr


# The five messages of Google's stream-update notebook, under the same package, in another pool.
SEED_SUBSET = """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
    file = text_format.Parse('''
        name: "seed.proto" package: "seed" syntax: "proto3"
        message_type { name: "MatchRequest"
            field { name: "deployed_index_id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
            field { name: "float_val" number: 2 type: TYPE_FLOAT label: LABEL_REPEATED }
            field { name: "num_neighbors" number: 3 type: TYPE_INT32 label: LABEL_OPTIONAL } }
        message_type { name: "MatchResponse"
            field { name: "neighbor" number: 1 type: TYPE_MESSAGE type_name: ".seed.MatchResponse.Neighbor" label: LABEL_REPEATED }
            nested_type { name: "Neighbor"
                field { name: "id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
                field { name: "distance" number: 2 type: TYPE_DOUBLE label: LABEL_OPTIONAL } } }
    ''', descriptor_pb2.FileDescriptorProto())
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    seed = {n: message_factory.GetMessageClass(pool.FindMessageTypeByName("seed." + n)) for n in ["MatchRequest", "MatchResponse"]}

    asked = seed["MatchRequest"](deployed_index_id="d", float_val=[0.1, 2], num_neighbors=3)
    assert str(ours.MatchRequest.FromString(asked.SerializeToString())) == str(asked)

    Neighbor = ours.MatchResponse.Neighbor
    full = ours.MatchResponse(neighbor=[Neighbor(id="101", distance=17.5, crowding_attribute=98)])
    seen = seed["MatchResponse"].FromString(full.SerializeToString())
    assert (seen.neighbor[0].id, seen.neighbor[0].distance) == ("101", 17.5)
    assert ours.MatchResponse.FromString(seen.SerializeToString()) == full
"""


@pytest.mark.parametrize("implementation", ["upb", "python"])
def test_the_seeds_smaller_protocol_reads_ours_and_keeps_what_it_does_not_know(implementation):
    result = run_alone(OURS, SEED_SUBSET, implementation=implementation)
    assert result.returncode == 0, result.stderr


def test_loading_our_messages_imports_no_sdk():
    result = run_alone(
        OURS, "import sys; sys.exit('google.cloud.aiplatform' in sys.modules)", implementation="upb"
    )
    assert result.returncode == 0, result.stderr


def test_every_name_in_all_exists():
    assert [name for name in match_service.__all__ if not hasattr(match_service, name)] == []


@pytest.mark.parametrize(
    ("method", "request_type", "response_type"),
    [
        ("Match", MatchRequest, MatchResponse),
        ("BatchMatch", match_service.BatchMatchRequest, match_service.BatchMatchResponse),
        (
            "BatchGetEmbeddings",
            match_service.BatchGetEmbeddingsRequest,
            match_service.BatchGetEmbeddingsResponse,
        ),
    ],
)
def test_the_stub_calls_the_method_of_its_name_on_a_real_server(method, request_type, response_type):
    seen = []

    def answer(request, context):
        seen.append((request, dict(context.invocation_metadata())["authorization"]))
        return response_type()

    handler = grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=request_type.FromString,
        response_serializer=response_type.SerializeToString,
    )
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE_NAME, {method: handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = getattr(MatchServiceStub(channel), method)
            response = call(request_type(), timeout=10, metadata=(("authorization", "Bearer: token"),))
    finally:
        server.stop(grace=None).wait()
    assert response == response_type()
    assert seen == [(request_type(), "Bearer: token")]
