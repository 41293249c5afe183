"""Nobody but their owner reads the files of a state folder, whatever the umask, and whatever an earlier version left."""

import os
import stat

import pytest

from sandbox import private, process
from sandbox.announced import SandboxError, held


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o177])
def umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_file_is_private_from_its_first_byte_on(tmp_path):
    file = tmp_path / "secret"
    private.write(file, b"one")
    assert (file.read_bytes(), mode(file)) == (b"one", 0o600)
    file.chmod(0o644)
    (tmp_path / "secret.new").write_text("of a killed process")
    private.write(file, b"two")
    assert (file.read_bytes(), mode(file)) == (b"two", 0o600)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.usefixtures("umask")
def test_a_folder_is_made_private_and_so_is_one_that_exists(tmp_path):
    folder = tmp_path / "folder"
    private.make_folder(folder)
    assert mode(folder) == 0o700
    folder.chmod(0o777)
    private.make_folder(folder)
    assert mode(folder) == 0o700


def test_a_folder_that_cannot_be_made_private_is_not_used(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SandboxError, match="cannot be made private"), held(tmp_path / "file"):
        pass


@pytest.mark.slow
def test_no_umask_opens_what_a_sandbox_writes(tmp_path):
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    (state / "sandbox.json").write_text("{}")
    before = os.umask(0)
    try:
        sandbox = process.start(state)
    finally:
        os.umask(before)
    try:
        folders = [state, state / "keys", state / "identity"]
        secrets = [
            state / "sandbox.json",
            state / "keys" / "elastic",
            state / "keys" / "vertex",
            state / "identity" / "server-key.pem",
            state / "identity" / "service-account.json",
        ]
        assert {mode(folder) for folder in folders} == {0o700}
        assert {mode(file) for file in secrets} == {0o600}
    finally:
        sandbox.stop()
