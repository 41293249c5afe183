"""Work spread over processes has the same results in the same order, also when a process is killed."""

from __future__ import annotations

import multiprocessing
from contextlib import closing
from functools import partial

import pytest

from tasks.answers.chunks import Splitting, read_chunks
from tasks.answers.documents import folders
from tasks.answers.spreading import ProcessesKilled, processes_wanted, spread
from tasks.errors import InvalidInput
from tests.polling import until
from tests.tasks.answers.spread_work import always_killed, refused, squared, squared_once_killed

NUMBERS = list(range(20))


def _none_is_left() -> bool:
    """A process that has ended still counts for the moment in which the pool's own thread takes note of it."""
    return not multiprocessing.active_children()


@pytest.mark.parametrize(("text", "wanted"), [(None, 1), ("", 1), ("1", 1), (" 8 ", 8), ("64", 64)])
def test_the_variable_says_how_many_processes_there_are(monkeypatch, text, wanted):
    monkeypatch.delenv("VECTOR_SEARCH_PROCESSES", raising=False)
    if text is not None:
        monkeypatch.setenv("VECTOR_SEARCH_PROCESSES", text)
    assert processes_wanted() == wanted


@pytest.mark.parametrize("text", ["0", "65", "-1", "two", "1.5", "²"])
def test_what_is_no_number_of_processes_is_refused(monkeypatch, text):
    monkeypatch.setenv("VECTOR_SEARCH_PROCESSES", text)
    with pytest.raises(InvalidInput, match=r"VECTOR_SEARCH_PROCESSES.*1 to 64"):
        processes_wanted()


def test_one_process_is_this_one():
    calls = []
    assert list(spread(calls.append, [1, 2], processes=1)) == [None, None]
    assert list(spread(calls.append, [3], processes=4)) == [None], "nor is one for one part"
    assert calls == [1, 2, 3]


def test_a_folder_is_read_in_parts_that_have_every_file_once(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "PART_BYTES", 100)
    monkeypatch.setattr(folders, "PART_FILES", 3)
    for number, size in enumerate([10, 10, 10, 10, 90, 200, 50, 50, 1]):
        (tmp_path / f"{number}.txt").write_text("a" * size)
    folder = folders.read_folder(tmp_path)
    parts = folders.parts(folder)
    assert [[file.stem for file in part.files] for part in parts] == [
        ["0", "1", "2"], ["3", "4"], ["5"], ["6", "7"], ["8"],
    ]  # fmt: skip
    assert {part.path for part in parts} == {folder.path}


@pytest.mark.compat
def test_two_processes_have_the_same_results_in_the_same_order():
    assert list(spread(squared, NUMBERS, processes=2)) == [squared(one) for one in NUMBERS]
    until(_none_is_left, "the end of the processes")


@pytest.mark.compat
def test_the_results_are_the_same_when_a_process_is_killed(tmp_path):
    work = partial(squared_once_killed, tmp_path / "killed")
    assert list(spread(work, NUMBERS, processes=2)) == [squared(one) for one in NUMBERS]
    assert (tmp_path / "killed").exists()


@pytest.mark.compat
def test_processes_that_are_always_killed_are_named_with_the_setting():
    with pytest.raises(ProcessesKilled, match="VECTOR_SEARCH_PROCESSES to less than 2"):
        list(spread(always_killed, NUMBERS, processes=2))


@pytest.mark.compat
def test_an_error_is_that_of_the_first_part_that_fails_with_all_its_facts():
    found = []
    with pytest.raises(InvalidInput) as error, closing(spread(refused, NUMBERS, processes=2)) as results:
        found.extend(results)
    assert (found, error.value.value, error.value.source) == ([0, 1], 2, "a test")
    until(_none_is_left, "the end of the processes")


@pytest.mark.compat
def test_two_processes_cut_documents_into_the_same_chunks(tmp_path, monkeypatch):
    for number in range(120):
        text = "".join(f"## Part {part}\n\n{f'Words of {number}. ' * 60}\n\n" for part in range(5))
        (tmp_path / f"{number:03}.md").write_text(f"# Document {number}\n\n{text}")
    alone = read_chunks.fn(tmp_path, Splitting())
    monkeypatch.setenv("VECTOR_SEARCH_PROCESSES", "2")
    assert read_chunks.fn(tmp_path, Splitting()) == alone
