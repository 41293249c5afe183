"""The command `start`: its options are those of the services that the list names."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter as Option

from sandbox import services, stack
from sandbox.announced import default_state

_OPEN = (
    "--open: no stand-in asks for a key. Every program and every user of this machine can read, change and delete what they "
    "hold.\n"
)
State = Annotated[Path | None, Option(help="State folder; default: $VECTOR_SEARCH_HOME/sandbox.")]


def start_command() -> Callable[..., None]:
    """The command, with a switch and the options of each service."""

    def start(*, state: State = None, **given: Any) -> None:
        """Start the stand-ins in the foreground; Ctrl-C ends them.

        They ask for random keys, which `python -m sandbox env` hands out.

        Example: python -m sandbox start --clock-factor 600
        """
        # Before numpy is loaded: single queries are too small to share among threads, which would only wait in turns.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        chosen = {
            service.name: given.get(_options_of(service.name)) or service.options()
            for service in services.SERVICES
            if given.get(service.name, True)
        }
        if without_keys := given.get("open", False):
            sys.stderr.write(_OPEN)
        stack.run((state or default_state()).resolve(), chosen, without_keys=without_keys)

    vars(start)["__signature__"] = Signature(list(_parameters()))
    return start


def _parameters() -> Iterator[Parameter]:
    yield Parameter("state", Parameter.KEYWORD_ONLY, default=None, annotation=State)
    nobody_asks = Annotated[
        bool, Option(help="Ask for no keys: whoever reaches the stand-ins may use them.", negative="")
    ]
    yield Parameter("open", Parameter.KEYWORD_ONLY, default=False, annotation=nobody_asks)
    for service in services.SERVICES:
        switch = Annotated[bool, Option(help=f"Start {service.title}.")]
        yield Parameter(service.name, Parameter.KEYWORD_ONLY, default=True, annotation=switch)
        name = f"--{service.prefix}" if service.prefix else "*"
        options = Annotated[service.options | None, Option(name=name)]
        yield Parameter(_options_of(service.name), Parameter.KEYWORD_ONLY, default=None, annotation=options)


def _options_of(service: str) -> str:
    return f"{service}_options"
