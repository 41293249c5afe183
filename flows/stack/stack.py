"""The local stack: a Prefect server, the stand-ins and a worker, on loopback, in one folder.

For development, demos and tests; real work runs on your own server, work pool and target. Every process outlives the
command that started it and is found again through `stack.json`. This imports neither Prefect, which takes seconds, nor
the stand-ins, which are started as anybody could start them.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from flows import engines
from flows.automations import catalog, upkeep
from flows.console import Seen
from flows.stack import api, key, prefect_settings, processes, state
from flows.stack.processes import Process
from tasks.errors import InvalidInput, PermanentError
from tasks.program import PROGRAM

SERVER, SANDBOX, WORKER = "Prefect server", "sandbox", "worker"
REGISTRATION = "registration of the deployments"

_START_SECONDS = 180.0
"""How long a part may take to start. The server's first start migrates its database: 12 s, far more on a busy machine."""
_LOCK_SECONDS = 240.0
"""How long to wait for another `up` or `down` in the same folder: longer than a start may take."""
_RELEASE_SECONDS = 5.0
"""How long the port of a server that was just killed may stay taken: its threads die, and its sockets close, one by one."""
_LOOK_SECONDS = 0.1
DEPLOYMENTS = Path(__file__).parents[2] / "deployments" / "prefect.yaml"
LanguageModel = Literal["smollm2"]
"""A language model that answers questions on the sandbox, in place of the stand-in that quotes."""

_log = logging.getLogger(__name__)


class StackFailed(PermanentError):
    """A part of the local stack did not start."""

    def __init__(self, name: str, *, trouble: str, log: str) -> None:
        self.name, self.trouble, self.log = name, trouble, log
        super().__init__(f"The {name} {trouble}. Its log is {log}. `{PROGRAM} down` stops what did start.")


class Stack:
    """The stack whose home is one folder.

    Args:
        home: the folder of the database, the logs, the stand-ins' state and `stack.json`.
        with_worker: also register the deployments and run a worker; a tour run from the command line needs neither.
        deployments: the file of those deployments.
        generator: which language model answers; by default the one that the stand-ins were started with, or none.
    """

    def __init__(
        self,
        home: Path,
        *,
        with_worker: bool = True,
        deployments: Path = DEPLOYMENTS,
        generator: LanguageModel | None = None,
    ) -> None:
        self.home, self.with_worker, self.deployments = home.absolute(), with_worker, deployments.absolute()
        self._options = [f"--models.generator={generator}"] if generator else []
        self._file = self.home / "stack.json"

    @property
    def state(self) -> state.State:
        """What was started, as last recorded."""
        return state.read(self._file)

    @property
    def api_url(self) -> str | None:
        """The address of the Prefect API, if the server runs."""
        now = self.state
        return prefect_settings.api_url(now.port) if now.port and now.alive(SERVER) else None

    @property
    def ui_url(self) -> str | None:
        """The address of the Prefect UI, if the server runs."""
        return self.api_url and self.api_url.removesuffix("/api")

    @property
    def key(self) -> str:
        """What the Prefect server demands: its auth string, a secret."""
        return key.read(self.home)

    @property
    def key_file(self) -> Path:
        """The file that holds the key."""
        return key.file(self.home)

    @property
    def is_up(self) -> bool:
        """Whether every part runs, and was seen to do its work: the deployments are registered too."""
        now = self.state
        return all(now.is_ready(name) for name in self._wanted)

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which a process works with this stack and nothing else."""
        port = self.state.port
        if port is None:
            raise StackFailed(SERVER, trouble="was never started here", log=str(self.home / "logs"))
        return prefect_settings.environment(self.home, port)

    def up(self) -> bool:
        """Start what is not running, and finish what an `up` that was killed has begun.

        Returns:
            Whether anything had to be started.

        Raises:
            InvalidInput: the stand-ins already run, without this generator.
            StackFailed: a part ended or was not ready in time.
            NoKey: the key was deleted while the server ran, or must not be used.
            NotProtected: the server that runs asks for no key, or for another one.
        """
        with self._alone():
            self._check_options()
            if started := not self.is_up:
                self._start_parts()
            self.check_protection()
        return started

    def check_protection(self) -> None:
        """Check that the server that runs wants the key of this folder.

        Raises:
            NoKey, NotProtected: as for `up`.
            StackFailed: the server does not answer.
        """
        server, url = self._started(SERVER), self.api_url
        if server and url:
            try:
                api.check_protection(url, self.key)
            except OSError as error:
                raise StackFailed(SERVER, trouble=f"does not answer ({error})", log=server.log) from error

    def _check_options(self) -> None:
        sandbox = self._started(SANDBOX)
        if sandbox and self._options and sandbox.options != " ".join(self._options):
            raise InvalidInput(
                f"The stand-ins of {self.home} already run, with {sandbox.options or 'their defaults'}",
                remedy=f"Stop them with `{PROGRAM} down` first.",
            )

    def down(self) -> bool:
        """Stop whatever is left of what was started here.

        Returns:
            Whether anything was running.
        """
        with self._alone():
            before = self.state
            alive = [process for process in before.processes if process.is_alive]
            self._stop_worker()
            processes.stop(process for process in alive if process.name != WORKER)
            if before.processes:
                state.write(self._file, state.State(port=before.port))
        return bool(alive)

    @contextmanager
    def running(self) -> Generator[Stack]:
        """Start the stack for the block and stop it afterwards, whatever happens."""
        try:
            self.up()
            yield self
        finally:
            self.down()

    def _start_parts(self) -> None:
        # A worker that has outlived its server would go on with a key that is not valid any more.
        if not self._started(SERVER) and key.ensure(self.home):
            self._stop_worker()
        self._stop(REGISTRATION)  # it goes on by itself when its `up` was killed
        announcement = self.home / "sandbox" / "sandbox.json"
        sandbox = self._started(SANDBOX) or self._start_sandbox()
        if self._options:  # which may be refused, and then nothing else is to run
            self._wait("start the stand-ins", sandbox, announcement.exists)
        server = self._started(SERVER) or self._start_server()
        self._wait("start the stand-ins", sandbox, announcement.exists)
        self._wait("start the Prefect server", server, self._api_answers)
        if self.with_worker and not self.state.is_ready(WORKER):
            self._stop_worker()  # one that is not ready was left by an `up` that was killed
            self._start_worker()

    @property
    def _wanted(self) -> tuple[str, ...]:
        return (SANDBOX, SERVER, WORKER) if self.with_worker else (SANDBOX, SERVER)

    @contextmanager
    def _alone(self) -> Generator[None]:
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.home / "stack.lock", timeout=_LOCK_SECONDS):
                yield
        except Timeout as error:
            raise StackFailed(
                "local stack",
                trouble=f"in {self.home} is being started or stopped by another command",
                log=str(error),
            ) from error

    def _started(self, name: str) -> Process | None:
        return self.state.alive(name)

    def _start(self, name: str, *command: str, port: int, options: str = "") -> Process:
        log = self.home / "logs" / f"{name.lower().replace(' ', '-')}.log"
        environment = prefect_settings.environment(self.home, port)
        return processes.start(
            name,
            [sys.executable, "-m", *command],
            environment=environment,
            folder=self.home,
            log=log,
            options=options,
            record=lambda process: state.write(self._file, self.state.with_process(process)),
        )

    def _stop(self, name: str) -> None:
        if process := self._started(name):
            processes.stop([process])

    def _start_sandbox(self) -> Process:
        folder = self.home / "sandbox"
        (folder / "sandbox.json").unlink(
            missing_ok=True
        )  # written again by the one that we start, when it is ready
        # Engines of one service share its stand-in.
        named = dict.fromkeys(engine.sandbox_service for engine in engines.ENGINES if engine.sandbox_service)
        services = [f"--{name}" for name in named]
        command = ("sandbox", "start", "--state", str(folder), *services, *self._options)
        return self._start(SANDBOX, *command, port=self._port(), options=" ".join(self._options))

    def _start_server(self) -> Process:
        return self._start(SERVER, "flows.stack.server", port=self._port())

    def _start_worker(self) -> None:
        port = self._port()
        url = prefect_settings.api_url(port)
        api.ensure_process_pool(url, self.key, prefect_settings.POOL)
        call = api.caller(url, self.key)
        upkeep.ensure(call, catalog.automations(notify=upkeep.notified(call)))
        began = datetime.now(UTC)
        try:
            registration = self._start(
                REGISTRATION, "flows.stack.registration", str(self.deployments), port=port
            )
            # The worker loads while the deployments are registered: each imports Prefect, which takes two seconds.
            worker = self._start(
                WORKER, "prefect", "worker", "start", "--pool", prefect_settings.POOL, "--type", "process",
                "--name", "local", port=port,
            )  # fmt: skip
            self._wait(
                "register the deployments",
                registration,
                lambda: registration.succeeded,
                seen=lambda: registration.tail(1) or "not ready yet",
            )
            self._wait(
                "start the worker",
                worker,
                lambda: api.has_worker_since(url, self.key, prefect_settings.POOL, began),
            )
        except BaseException:
            self._stop_worker()
            raise
        finally:
            self._stop(REGISTRATION)
            state.write(self._file, self.state.without(REGISTRATION))

    def _stop_worker(self) -> None:
        """Stop the runs first, so that they report their end to the server; a worker that stops would only kill them."""
        if worker := self._started(WORKER):
            processes.stop_descendants(worker)
            processes.stop([worker])

    def _port(self) -> int:
        """The server's port: the one that a shell may know, unless another process has taken it."""
        now = self.state
        if now.port and (now.alive(SERVER) or api.is_free(now.port, within=_RELEASE_SECONDS)):
            return now.port
        port = api.free_port()
        state.write(self._file, state.State(port=port, processes=now.processes))
        return port

    def _api_answers(self) -> bool:
        return api.is_healthy(prefect_settings.api_url(self._port()))

    def _wait(
        self,
        what: str,
        process: Process,
        is_ready: Callable[[], bool],
        *,
        seen: Callable[[], str] = lambda: "not ready yet",
    ) -> None:
        """Wait for a process. `tasks.waiting` is not used because it loads Prefect, which takes seconds."""
        began = time.monotonic()
        while True:
            alive = process.is_alive  # before the look: it may become ready and end in between
            if is_ready():
                break
            if not alive:
                self._fail(process, "ended before it was ready")
            elapsed = time.monotonic() - began
            if elapsed > _START_SECONDS:
                self._fail(process, f"was not ready after {_START_SECONDS:.0f} s")
            _log.info("%s", what, extra={"progress": Seen(what, seen(), elapsed=elapsed)})
            time.sleep(_LOOK_SECONDS)
        state.write(self._file, self.state.with_ready(process.name))
        ready = Seen(what, "ready", elapsed=time.monotonic() - began, done=True)
        _log.info("%s: ready", what, extra={"progress": ready})

    def _fail(self, process: Process, trouble: str) -> None:
        _log.error("The end of %s:\n%s", process.log, process.tail())
        raise StackFailed(process.name, trouble=trouble, log=process.log)
