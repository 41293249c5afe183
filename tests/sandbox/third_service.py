"""The sandbox with a third service, as a program: a throw-away stand-in that one line of the list adds."""

from dataclasses import dataclass

from sandbox import services
from sandbox.service import Running, Service


@dataclass(frozen=True)
class ThirdOptions:
    """How it behaves."""

    greeting: str = "hello"
    """What it says."""


def start(_state, options, ports, _keys):
    server = ports.take("third")
    server.listen()
    return Running(
        environment={"THIRD_PORT": str(ports["third"]), "THIRD_GREETING": options.greeting}, stop=server.close
    )


THIRD = Service(
    name="third",
    title="A third service",
    options=ThirdOptions,
    prefix="third",
    ports=("third",),
    start=start,
    coverage=lambda: ("", "## A third service"),
)

if __name__ == "__main__":
    services.SERVICES = (*services.SERVICES, THIRD)

    from sandbox.__main__ import main

    main()
