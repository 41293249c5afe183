"""JSON files that Hypothesis makes up and damages: read, or one clear error that names them.

Whatever the file: never another exception, a crash or a hang, and never beyond the memory bound. The reader is a process of its own.
"""

import json
import select
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow
SECONDS = 120
"""For one file; a hang is endless."""
MEGABYTES = 512

NUMBERS = st.sampled_from(
    ["0", "-0", "1.50", "1e-05", "1e400", "-1e400", "1e-400", "NaN", "Infinity", "-Infinity", "01", "+1", ".5", "1.", "9" * 25, "9" * 5000, "1e99999999999999999999", "1e-99999999999999999999", "18446744073709551616", "0x1"]
) | st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)  # fmt: skip
STRINGS = st.sampled_from(
    ['""', '"id"', '"a"', '"\\ud800"', '"\\u0000"', '"\\u003a"', '"\\/ \\""', '"a\tb"', '"a\\nb"', '"é🙂"', '"\\x"', '"', "'a'", '"' + "x" * 600 + '"']
)  # fmt: skip
NAMES = st.sampled_from(
    ['"id"', '"id"', '"embedding"', '"query"', '"expected"', '"restricts"', '"\\u0069d"', '"a"', "a"]
)
SPACES = st.sampled_from(["", "", "", " ", "\t", "\r\n", "\n", "\u00a0"])
TEXTS = st.recursive(
    NUMBERS | STRINGS | st.sampled_from(["true", "null", "[1,2]", "[]", "{}", "tru"]),
    lambda inner: st.builds(lambda items, space: f"[{f',{space}'.join(items)}]", st.lists(inner, max_size=4), SPACES)
    | st.builds(
        lambda pairs, space: "{" + f"{space},".join(f"{name}:{space}{value}" for name, value in pairs) + "}",
        st.lists(st.tuples(NAMES, inner), max_size=4), SPACES,
    )
    | st.builds(lambda value, levels: "[" * levels + value + "]" * levels, inner, st.sampled_from([1, 249, 250, 254, 1000, 100_000])),
    max_leaves=10,
)  # fmt: skip
GOOD = st.sampled_from(
    ['{"id": "%d", "embedding": [1, 2]}', '{"id": %d}', '{"query": "q%d", "expected": ["a"]}', '"%d"', '{"id":%d, "a": 1.50, "b": "\\u00e9"}']
)  # fmt: skip
LINES = st.lists(TEXTS | GOOD.map(lambda text: text.replace("%d", "7")), max_size=5)
WHOLES = st.one_of(
    LINES.map("\n".join), LINES.map("\r\n".join), LINES.map(lambda texts: f"[{','.join(texts)}]"), LINES.map(lambda texts: " [\n" + ",\n".join(texts) + "\n] x"),
    st.builds(lambda good, n: "\n".join(good.replace("%d", str(i)) for i in range(n)), GOOD, st.integers(1, 5)),
    st.builds(lambda good, n: f"[{','.join(good.replace('%d', str(i)) for i in range(n))}]", GOOD, st.integers(1, 5)),
)  # fmt: skip
DAMAGES = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "copy", "zero"]), st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=2
)  # fmt: skip


def damaged(raw, damages):
    raw = bytearray(raw)
    for what, where, number in damages:
        if not raw:
            break
        at = int(where * len(raw))
        if what == "flip":
            raw[at] ^= number
        elif what == "cut":
            del raw[at:]
        elif what == "copy":
            raw[at:at] = raw[: number % 20]
        else:
            raw[at] = 0
    return bytes(raw)


class Reader:
    """The process that reads; another one when it died."""

    def __init__(self):
        script = Path(__file__).with_name("hostile_json_reader.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )  # fmt: skip

    def read(self, path):
        self.process.stdin.write(json.dumps(str(path)).encode() + b"\n")
        self.process.stdin.flush()
        assert select.select([self.process.stdout], [], [], SECONDS)[0], "it hangs"
        said = self.process.stdout.readline()
        assert said.startswith(b"["), f"it died: {said!r}"
        return json.loads(said)

    def stop(self):
        self.process.kill()
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def reader():
    running = Reader()
    yield running
    running.stop()


def judged(path, outcomes, megabytes):
    for name, outcome in outcomes.items():
        event(f"{name}: {outcome[:7]}")
        assert outcome == "read" or (outcome.startswith("refused: ") and str(path) in outcome), (
            name,
            outcome,
        )
        assert outcome.isprintable() or "\n" not in outcome
        assert len(outcome) < 5000
    assert megabytes < MEGABYTES


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\xff\xfe", b" \n"]), WHOLES, DAMAGES)
def test_a_hostile_file_is_read_or_refused_by_name(reader, tmp_path, before, whole, damages):
    path = tmp_path / "hostile.jsonl"
    path.write_bytes(before + damaged(whole.encode(errors="surrogatepass"), damages))
    judged(path, *reader.read(path))
