"""`answers serve`: a page on which people ask a knowledge base."""

from __future__ import annotations

import logging
import socket
import sys
from pathlib import Path

from pydantic import Field
from rich.console import Console

from flows.answers.ask import SearchingOptions
from flows.answers.engine import ANSWERS
from flows.answers.holders import holder_of
from flows.console import plain, take_over
from flows.engine_flow import engine_program
from flows.key_files import KeyFile
from tasks.answers.knowledge import NoKnowledgeBase
from tasks.answers.records import record_file
from tasks.errors import InvalidInput
from tasks.models.clients import connect
from tasks.redaction import hide
from tasks.settings import home
from tasks.steps import plain_calls

_LOOPBACK = "127.0.0.1"
_CONNECTIONS = 64
"""At once; the page keeps none of them busy but those that ask."""
_STOP_SECONDS = 3


class ServeOptions(SearchingOptions, frozen=True):
    """The options of `answers serve`."""

    reader: tuple[str, ...] = Field(
        default=(),
        description="The names that everybody who has the page's key goes by. Default: none, which shows what everybody may read.",
    )
    port: int = Field(
        default=4280, ge=0, le=65535, description="The port on 127.0.0.1; 0 for any that is free."
    )


@engine_program
def serve(options: ServeOptions) -> None:
    """Serve a page on this machine on which questions are asked, until it is stopped by Ctrl-C.

    A browser asks for the key, which is printed at a terminal. Answers name their sources, which open at the passage; what
    the documents do not say is said to be missing. Times, tokens, outcomes and the reader's yes or no are recorded for
    `answers monitor`, without the question.

    Example:
        vector-search answers serve --name handbook --target sandbox
    """
    import uvicorn  # noqa: PLC0415 -- help must not need it

    from flows.answers.page.application import application  # noqa: PLC0415
    from flows.answers.page.asking import Desk  # noqa: PLC0415

    holder, models = holder_of(options.engine), ANSWERS.settings(options.target)
    settings = holder.engine.settings(options.target)
    models.chat()  # refused here, not in front of a reader
    connect(models)  # it takes a second to load, and the first reader would wait for it
    with plain_calls():
        if holder.read(settings, options.name) is None:
            raise NoKnowledgeBase(options.name)
    records = record_file(home(), options.name, engine=options.engine, where=holder.engine.where(settings))
    file = _key_file(records.parent)
    file.ensure()
    key = file.read()
    hide(key)
    desk = Desk(
        holder=holder, settings=settings, models=models, name=options.name, how=options.how, most=options.passages,
        readers=options.reader, records=records, key=key,
    )  # fmt: skip
    terminal = take_over(Console(stderr=True))
    try:
        with _listening(options.port) as listener:
            host = f"{_LOOPBACK}:{listener.getsockname()[1]}"
            config = uvicorn.Config(
                application(desk, host=host, key=key), log_config=None, access_log=False, server_header=False,
                limit_concurrency=_CONNECTIONS, timeout_graceful_shutdown=_STOP_SECONDS, ws="none",
            )  # fmt: skip
            logging.getLogger("uvicorn").setLevel(logging.WARNING)
            _say_where(options, host, key, file.path)
            uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        plain().print("The page is stopped.")
    finally:
        terminal.end()


def _key_file(folder: Path) -> KeyFile:
    return KeyFile(
        of="the page",
        path=folder / "key",
        user="reader",
        missing="it was deleted",
        anew="The next `answers serve` makes a new one.",
        elsewhere="Set VECTOR_SEARCH_HOME to a folder of your own.",
    )


def _listening(port: int) -> socket.socket:
    """A socket on loopback.

    Raises:
        InvalidInput: the port is in use, or not ours.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise InvalidInput(
            f"The page cannot listen there ({error.strerror})", value=port, source="--port", accepted="a free port, or 0 for any"
        ) from error  # fmt: skip
    return listener


def _say_where(options: ServeOptions, host: str, key: str, file: Path) -> None:
    """The address and how to log in. The key itself is only for a person at a terminal: output that goes anywhere else is often kept."""
    user, _, password = key.partition(":")
    console = plain()
    console.print(f"Page:    http://{host}/")
    console.print(f"Log in:  {user}, {password if sys.stdout.isatty() else f'with the key in {file}'}")
    may = (
        f"what everybody may read, and {', '.join(options.reader)}"
        if options.reader
        else "what everybody may read"
    )
    console.print(f"Shows:   {may}")
    sys.stdout.flush()
