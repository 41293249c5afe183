"""The command `blocks`: targets that Prefect keeps, registered, listed, and saved from the settings of a shell."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.command_line.output import print_json
from flows.console import loading, plain
from tasks.program import PROGRAM


def blocks(
    *,
    save: Annotated[str | None, Parameter(show_default=False)] = None,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> None:
    """Let Prefect keep the settings of real services, as targets that a flow names by block:NAME.

    Registers the types of these blocks with the server that PREFECT_API_URL names, and lists the blocks that there are. A block
    holds the settings of a real service, its secrets encrypted. Create blocks in Prefect's UI under Blocks, or with --save from
    the settings that a shell has.

    Args:
        save: Save the settings in the environment and .env as blocks of this name, one for each service whose settings are
            complete. Blocks of this name are replaced.
        json: Print a JSON list instead of a table.

    Example:
        vector-search blocks --save production
    """
    with loading(quiet=json):
        from flows.blocks import keeping  # noqa: PLC0415 -- help must not need Prefect
        from flows.command_line.prefect_api import use_api  # noqa: PLC0415

    use_api()
    keeping.register()
    saved = [] if save is None else keeping.save_environment(save)
    for one in saved:
        Console(stderr=True).print(Text(f"{one.block_type}: {one.seen}"), soft_wrap=True)
    found = keeping.kept()
    if json:
        print_json([one._asdict() for one in found])
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("block type", "of the flows", "--target"):
        table.add_column(column)
    for one in found:
        table.add_row(one.block_type, ", ".join(one.flows), Text(", ".join(one.targets) or "none yet"))
    plain().print(table)
    if not any(one.targets for one in found):
        plain().print(
            f"Create a block in Prefect's UI under Blocks, or from this shell: {PROGRAM} blocks --save NAME"
        )
