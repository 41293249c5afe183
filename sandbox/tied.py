"""Child processes that end when their parent ends, even if it is killed with `kill -9`.

A stand-in left behind by a crashed test would hold its ports and answer the next test with old data. The child ties
itself to its parent, by running this file as a script: code between fork and exec (`preexec_fn`) breaks processes that
use gRPC.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
# On other systems a shell waits for the end of its standard input, which only the parent holds open.
_WATCHER = (
    'exec 3<&0; "$@" </dev/null & child=$!; (cat >/dev/null; kill $child 2>/dev/null) <&3 & wait $child'
)


def start(
    command: list[str],
    environment: Mapping[str, str] | None = None,
    output: IO[bytes] | int = subprocess.DEVNULL,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` so that it is killed when the calling process dies.

    On Linux the calling *thread* counts: call this from the main thread.
    """
    linux = sys.platform == "linux"
    tie = (
        [sys.executable, "-I", "-S", __file__, str(os.getpid())]
        if linux
        else ["/bin/sh", "-c", _WATCHER, "tied"]
    )
    return subprocess.Popen(
        [*tie, *command],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL if linux else subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes], patience: float = 5.0) -> int:
    """Terminate the process, kill it after `patience` seconds, and return its exit code."""
    if process.stdin:
        process.stdin.close()  # the watching shell ends the child
    else:
        process.terminate()
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _become(parent: int, command: list[str]) -> None:
    """Tie this process to its parent and continue as `command`, under the same process id."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # the parent has already died
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - no shell needed


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
