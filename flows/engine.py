"""An engine as plain data: what everything that serves all engines needs to know. It imports no flow and no client.

The command line, the local stack, the deployments file, the tables in docs, the demo and the tests read these objects
from `flows.engines`; none of them asks which engine it deals with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, Generic, TypeVar

from flows.targets import block_of
from tasks.built import Built, Stranger
from tasks.settings import SANDBOX


def lazily(path: str) -> Callable[..., Any]:
    """The function of a module path, `tasks.vertex.settings:vertex_settings`, whose module is imported when it is called.

    The list of commands does without settings and clients, which take seconds to import.
    """

    def call(*arguments: Any) -> Any:
        module, _, name = path.partition(":")
        return getattr(import_module(module), name)(*arguments)

    return call


Settings_co = TypeVar("Settings_co", covariant=True)


@dataclass(frozen=True)
class Nightly:
    """A deployment that runs a flow every night to check what is served. It is switched off until its index is set."""

    line: str
    """One line for people."""
    cron: str
    """When it runs, in UTC."""
    parameters: Mapping[str, str]
    """Those to set before it is switched on, with an example of each."""


@dataclass(frozen=True)
class Entry:
    """One flow: where to find it and what it is for."""

    name: str
    """As typed after the engine's name: `build`."""
    entrypoint: str
    """The module path that a deployment and the command line import: `flows.vertex.build:build_index`."""
    line: str
    """One line for people."""
    nightly: Nightly | None = None
    argument: str = ""
    """The one option whose name may be left out at the terminal, where everybody would: a question."""
    plans: bool = False
    """Whether it has `--plan`: it makes its plan before it changes anything (flows/plan.py)."""


@dataclass(frozen=True)
class Tour:
    """The command that the demo runs for an engine, on sample data that come with the stand-ins."""

    options: Mapping[str, str | tuple[str, ...]]
    """With the word of each, or several."""
    data: Mapping[str, str]
    """Options whose value is a file or folder in sandbox/data, by its name."""
    flow: str = "tour"


@dataclass(frozen=True, kw_only=True)
class Engine(Generic[Settings_co]):
    """An engine: its names, its targets, its flows."""

    name: str
    """The first word of its commands; its folders in flows/, tasks/ and tests/ have this name too, with underscores for dashes."""
    title: str
    """Its name for people."""
    targets: tuple[str, ...]
    """Where its flows can work: `sandbox`, then the real service."""
    target_variable: str
    """The environment variable that replaces --target. Engines of one service may share it."""
    read_settings: Callable[[Any], Settings_co]
    """The settings of one of its targets, or InvalidInput."""
    block: str | None = None
    """The class in `flows.blocks.targets` whose blocks in Prefect are targets too. Engines of one service share it."""
    where: Callable[[Any], str] = lambda _settings: ""
    """What its names are unique in: slots, artifacts and reports of a name in one project are not those of another's."""
    settings_prefix: str
    """How the environment variables of its real service begin."""
    flows: tuple[Entry, ...]
    """In the order in which people use them."""
    programs: tuple[Entry, ...] = ()
    """Commands that run until somebody stops them, such as a page. They are no flows: Prefect neither runs nor stores them."""
    built: Callable[[Any], list[Built]] | None = None
    """What bears our mark on the target of these settings; None if nothing can."""
    strangers: Callable[[Any], list[Stranger]] | None = None
    """What of the same kinds does not."""
    sandbox_service: str | None = None
    """What `python -m sandbox start` calls its stand-in."""
    tour: Tour | None = None

    @property
    def folder(self) -> str:
        """The name of its folders."""
        return self.name.replace("-", "_")

    def settings(self, target: str) -> Settings_co:
        """The settings of a target, or of a block in Prefect.

        Raises:
            InvalidInput: a setting is missing or wrong, no sandbox is running, or there is no such block.
        """
        name = block_of(target)
        if name is None or self.block is None:
            return self.read_settings(target)
        return lazily("flows.blocks.loading:settings_of_block")(self.block, name)

    def command(self, entry: Entry) -> str:
        """What is typed for a flow: `vertex build`."""
        return f"{self.name} {entry.name}"

    @property
    def commands(self) -> tuple[Entry, ...]:
        """All that can be typed after its name."""
        return self.flows + self.programs

    @property
    def real_target(self) -> str:
        """The target that is no stand-in."""
        return next(target for target in self.targets if target != SANDBOX)

    def tour_words(self) -> tuple[str, ...]:
        """The words of the tour's command on the sandbox; empty without a tour."""
        if self.tour is None:
            return ()
        words = [self.name, self.tour.flow, "--target", SANDBOX]
        for option, value in self.tour.options.items():
            words += [option, *((value,) if isinstance(value, str) else value)]
        for option, file in self.tour.data.items():
            words += [option, str(sample_data(file))]
        return tuple(words)


def sample_data(file: str) -> Path:
    """The path of a file of sample data, which come with the stand-ins."""
    return Path(str(files("sandbox") / "data" / file))
