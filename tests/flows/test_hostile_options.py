"""Whatever an option holds, a command ends with one clear paragraph, within its memory, and creates nothing when it refuses.

The commands, their options and a line that is accepted come from the flows themselves, so that a new one is tried as well.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic_core import to_jsonable_python

import flows.command_line.run  # noqa: F401 -- a test puts another in its place
from flows.command_line.endings import ending_of
from flows.command_line.tree import parse
from flows.commands import load
from flows.engines import ENGINES
from flows.signatures import options_of
from sandbox import process, write_log
from sandbox.announced import announcement
from sandbox.elastic.options import ElasticOptions
from sandbox.vertex.options import VertexOptions
from tests.forks import Forks
from tests.polling import until

AT_ONCE = 6
MEGABYTES = 512
SECONDS = 120
"""For commands that end in two when nothing else runs; a hang has no end."""
OPTIONS = (ElasticOptions(download_seconds=0.1, start_seconds=0.05), VertexOptions())
TEXTS = (
    "", " ", "\n", "a\nb", "a\0b", "\udcff", "a\udc80b", "x" * 20_000, "x" * 400, "é" * 300, "\x1b[31m", "[/b]", "*", "_all", ".", "..", "../x",
    "a/b", "a b", "-", "--", "\u202e", "\U0001f600", "{", "[", "{}", "null", "true", "no", "a,b", "a=b", "price<1e999", "year=99999999999999999999i",
    '{"namespace": "a", "namespace": "b"}', '{"a":' * 300 + "1" + "}" * 300, '{"namespace": "a", "value_double": 1e400, "op": "LESS"}', "%s%n", "${HOME}", "A" * 63, "a" * 63,
)  # fmt: skip
NUMBERS = (
    "nan", "inf", "-inf", "1e400", "1e308", "1e-400", "-0", "-1", "0", "0.5", "1.5", "1e3", "1_000", "٣", str(2**31 - 1), str(2**31), str(2**32), str(2**63 - 1),
    str(2**63), str(-(2**63)), str(2**64), "9" * 5000,
)  # fmt: skip
FILES = (
    "/dev/zero", "/dev/null", "/", "folder", "pipe", "broken-link", "loop", "absent", "/proc/self/mem", "file/x", "deep.jsonl", "twice.jsonl", "nan.jsonl",
    "binary", "empty", "utf-16", "bom.json", "numbers.jsonl", "one-line", "gs://a/b", "file:///etc/passwd",
)  # fmt: skip
COMMANDS = {engine.command(entry): (engine, entry) for engine in ENGINES for entry in engine.flows}


def example(command):
    """The words of a command's own example, by option, on the sandbox."""
    _, entry = COMMANDS[command]
    written = inspect.getdoc(load(entry.entrypoint).fn).partition("Example:\n")[2]
    words = shlex.split(written.strip())[3:]
    found, option = {}, None
    for word in words:
        if word.startswith("--"):
            option = word
            found[option] = []
        else:
            found[option].append(word)
    return found | {"--target": ["sandbox"]}


def names(command):
    model = options_of(inspect.unwrap(load(COMMANDS[command][1].entrypoint).fn))
    return [f"--{name.replace('_', '-')}" for name in model.model_fields]


def fields(command):
    """The fields of a command's options, by option."""
    model = options_of(inspect.unwrap(load(COMMANDS[command][1].entrypoint).fn))
    return {
        f"--{name.replace('_', '-')}": str(field.annotation) for name, field in model.model_fields.items()
    }


def line(random):
    """The words of any command, with one to three of its options hostile."""
    command = random.choice(sorted(COMMANDS))
    options, kinds = example(command), fields(command)
    for name in random.sample(sorted(kinds), min(len(kinds), random.randint(1, 3))):
        if name in ("--target", "--name") and random.random() < 0.8:
            continue  # nothing else would be looked at
        odd = NUMBERS if re.search("int|float", kinds[name]) and random.random() < 0.9 else (*TEXTS, *FILES)
        options[name] = random.choices(odd, k=2 if "tuple" in kinds[name] else 1)
    if "--timeout-minutes" in kinds:
        options.setdefault("--timeout-minutes", ["0.2"])
    return (*command.split(), *(word for name, values in options.items() for word in (name, *values)))


@settings(
    max_examples=60, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(random=st.randoms(use_true_random=True))
def test_a_hostile_option_is_refused_with_one_paragraph_before_prefect_knows_of_it(monkeypatch, random):
    accepted = []

    def validate(flow, values, **_):
        options_of(inspect.unwrap(flow.fn)).model_validate(values)
        json.dumps(
            values, allow_nan=False, default=to_jsonable_python
        ).encode()  # as Prefect sends and stores them
        accepted.append(values)

    monkeypatch.setattr("flows.command_line.run.run", validate)
    words = line(random)
    refused = None
    try:
        parse(words, debug=False)()
    except Exception as error:  # noqa: BLE001 -- what the outermost frame gets
        refused = error
    if refused:
        ending = ending_of(refused, again="AGAIN")
        assert ending.code == 2, (words, refused)
        assert ending.paragraph.isprintable(), words
        assert len(ending.paragraph) < 3000, words
    else:
        assert len(accepted) == 1


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    running = process.start(tmp_path_factory.mktemp("sandbox"), *OPTIONS)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "broken-link").symlink_to("nowhere")
    (folder / "loop").symlink_to("loop")
    for name, content in {
        "file": b"x", "empty": b"", "binary": bytes(range(256)) * 40, "utf-16": '{"id": 1}'.encode("utf-16"), "bom.json": b'\xef\xbb\xbf[{"id": "a"}]',
        "deep.jsonl": b'{"a":' * 1000 + b"1" + b"}" * 1000, "twice.jsonl": b'{"id": "a", "id": "b"}', "nan.jsonl": b'{"id": "a", "b": NaN}',
        "numbers.jsonl": b'{"id": 99999999999999999999, "b": 1e400, "c": -0}', "one-line": b'{"a": "' + b"x" * 9_000_000,
    }.items():  # fmt: skip
        (folder / name).write_bytes(content)
    forks = Forks("tests.flows.measured", folder)
    yield forks
    forks.close()


@pytest.mark.slow
@settings(
    max_examples=4, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(random=st.randoms(use_true_random=True))
def test_a_hostile_option_ends_a_command_with_one_clear_paragraph(stack, measured, sandbox, home, random):
    environment = stack.environment | {
        "VECTOR_SEARCH_SANDBOX": str(announcement(sandbox.state)), "VECTOR_SEARCH_HOME": str(home), "COLUMNS": "160",
    }  # fmt: skip
    before = write_log.read(sandbox.state)
    running = [measured.start(list(line(random)), environment) for _ in range(AT_ONCE)]
    for command in running:
        until(lambda command=command: command.has_ended, f"the end of {command.words}", seconds=SECONDS)
        _check(command)
    if all(command.code == 2 for command in running):
        assert write_log.read(sandbox.state) == before, [command.words for command in running]


def _check(command):
    assert command.code in (0, 1, 2), (command.words, command.err)
    said = command.err + command.out
    assert not re.search("unexpected|Traceback|Unhandled|not expected", said), (command.words, said)
    errors = re.findall("^error: ", command.err, re.MULTILINE)
    assert len(errors) == (command.code != 0), (command.words, said)
    assert int(re.findall(r"^peak (\d+) MB$", command.err, re.MULTILINE)[-1]) < MEGABYTES, command.words
