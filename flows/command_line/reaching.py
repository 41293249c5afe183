"""Targets that are blocks, for the commands that otherwise do without Prefect's server."""

from __future__ import annotations

from flows.targets import block_of


def reach(target: str) -> None:
    """Make sure that Prefect's API responds, if the target is a block.

    Raises:
        InvalidInput, TransientError: as `use_api`.
    """
    if block_of(target) is not None:
        from flows.command_line.prefect_api import use_api  # noqa: PLC0415 -- takes seconds to import

        use_api()
