"""Writes what is generated from match_service.proto: the descriptor set and the types of its messages.

``python -m protos.generate`` writes both, ``--check`` writes nothing and ends with code 1 when either is stale. Must
not be imported by anything that runs in production: it alone needs grpcio-tools, from the development extra.

The files that match_service.proto imports come from the packages that carry them: google/rpc from
googleapis-common-protos, google/protobuf from grpcio-tools itself.
"""

import argparse
import re
import sys
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

from google.rpc import status_pb2

HERE = Path(__file__).parent
PROTO = HERE / "match_service.proto"

HEADER = """\
# Written by `python -m protos.generate` from match_service.proto. Do not edit.
# ruff: noqa: A002, I001, RUF023, UP007, UP045
# fmt: off
# pyright: basic
"""

# The two imported types live in our pool too: same fields, another class. A subclass in the stub lets a checker say so.
PRIVATE_TYPES = """\
class Status(_status_pb2.Status): ...

class Struct(_struct_pb2.Struct): ...  # pyright: ignore[reportGeneralTypeIssues]
"""


def generate() -> dict[Path, bytes]:
    """The content of every generated file, by its place.

    Raises:
        SystemExit: protoc refused the file; it has printed why.
    """
    from grpc_tools import protoc  # noqa: PLC0415 - the rest of the project runs without it

    common_protos = Path(status_pb2.__file__).parents[2]
    with as_file(files("grpc_tools") / "_proto") as well_known, tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        code = protoc.main(
            [
                "protoc",
                f"-I{HERE}",
                f"-I{common_protos}",
                f"-I{well_known}",
                "--include_imports",
                f"--descriptor_set_out={out / 'set'}",
                f"--pyi_out={out}",
                PROTO.name,
            ]
        )
        if code != 0:
            raise SystemExit(code)
        stub = (out / "match_service_pb2.pyi").read_text()
        return {
            PROTO.with_suffix(".binpb"): (out / "set").read_bytes(),
            HERE / "messages.pyi": stub_of_private_pool(stub).encode(),
        }


def stub_of_private_pool(stub: str) -> str:
    """The stub that protoc wrote for a compiled module, made true for protos/messages.py."""
    head, mark, body = stub.partition("DESCRIPTOR: _descriptor.FileDescriptor\n")
    body = re.sub(r"_status_pb2\.Status\b", "Status", body)
    body = re.sub(r"_struct_pb2\.Struct\b", "Struct", body)
    body = re.sub(r"\b_Mapping\b", "_Mapping[str, object]", body)
    return f"{HEADER}\n{head}\n{mark}\n{PRIVATE_TYPES}{body}"


def stale(generated: dict[Path, bytes]) -> list[Path]:
    """Those of the generated files whose checked-in content is absent or different."""
    return [path for path, content in generated.items() if not path.exists() or path.read_bytes() != content]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m protos.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; code 1 when a file is stale")
    check: bool = parser.parse_args().check
    generated = generate()
    outdated = stale(generated)
    if check:
        if outdated:
            names = ", ".join(path.name for path in outdated)
            sys.exit(f"Stale in protos/: {names}. Run `make protos` and commit the result.")
        return
    for path in outdated:
        path.write_bytes(generated[path])


if __name__ == "__main__":
    main()
