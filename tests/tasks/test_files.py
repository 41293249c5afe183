import errno
import resource
import signal
import subprocess
import sys

import pytest

from tasks.files import CannotWrite, whole_file, write_whole

WRITING = """
import sys, time
from pathlib import Path
from tasks.files import whole_file
with whole_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("begun", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def writer(tmp_path):
    """Another process in the middle of writing `tmp_path / "other"`."""
    command = [sys.executable, "-c", WRITING, str(tmp_path / "other")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"begun\n"
    yield process
    process.kill()
    process.wait(10)
    process.stdout.close()


@pytest.fixture
def small_disk():
    """No file gets longer than 4,096 bytes."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write then fails with an OSError
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limit[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("small_disk")
def test_a_disk_that_fills_up_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path):
    file = tmp_path / "report.json"
    file.write_text("before")
    with pytest.raises(CannotWrite, match=f"Could not write {file}: File too large"):
        write_whole(file, "x" * 100_000)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("report.json", "before")]


def test_a_file_has_its_name_only_when_it_is_whole_and_its_folder_is_made(tmp_path):
    file = tmp_path / "folder" / "file"
    with whole_file(file) as draft:
        draft.write(b"whole")
        assert not file.exists()
    assert [(each.name, each.read_bytes()) for each in file.parent.iterdir()] == [("file", b"whole")]


def half_written(file, error):
    with whole_file(file) as draft:
        draft.write(b"half")
        raise error


def test_what_stops_the_writer_leaves_nothing_and_is_told_as_what_it_is(tmp_path):
    with pytest.raises(ConnectionResetError):
        half_written(tmp_path / "file", ConnectionResetError(errno.ECONNRESET, "the other side"))
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(CannotWrite, match=r"Not a directory|File exists"):
        write_whole(tmp_path / "folder" / "file", "text")


def test_drafts_of_killed_processes_go_and_those_of_live_ones_and_foreign_files_stay(tmp_path, writer):
    (tmp_path / "movie.part").write_text("somebody's")
    write_whole(tmp_path / "file", "text")
    draft = tmp_path / f".other.{writer.pid}.part"
    assert draft.read_bytes() == b"half"
    writer.kill()
    writer.wait(10)
    write_whole(tmp_path / "file", "text")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "movie.part"]
