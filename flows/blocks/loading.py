"""Reads the blocks that are targets from Prefect's server: never through a parameter, which Prefect stores and shows."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from httpx import HTTPStatusError
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import BlockDocument
from prefect.exceptions import ObjectNotFound

from flows.blocks import targets
from flows.blocks.targets import Target
from flows.targets import of_block
from tasks.errors import InvalidInput
from tasks.program import PROGRAM
from tasks.settings import checked


def settings_of_block(kind: str, name: str) -> Any:
    """The settings that a block holds.

    Args:
        kind: its class, in `flows.blocks.targets`.
        name: its name in Prefect.

    Raises:
        InvalidInput: there is no such block, or what it holds is missing something or wrong; it names no value.
    """
    block: type[Target] = getattr(targets, kind)
    document = _read(block, name)
    source = f"the block {block.get_block_type_slug()}/{name} in Prefect"
    return checked(
        lambda: block.model_validate(document.data).settings,
        target=of_block(name),
        source=source,
        spelled=str,
        remedy="Correct it in Prefect's UI, under Blocks.",
    )


def names_of(kind: str) -> list[str]:
    """The names of the blocks of a class, in alphabetical order."""
    block: type[Target] = getattr(targets, kind)
    return _names(block)


def _read(block: type[Target], name: str) -> BlockDocument:
    try:
        with get_client(sync_client=True) as client:
            return client.read_block_document_by_name(name, block.get_block_type_slug(), include_secrets=True)
    except ObjectNotFound:
        there = ", ".join(map(of_block, _names(block)))
        raise InvalidInput(
            f"Prefect has no {block.get_block_type_name()} of this name",
            value=name,
            source="--target",
            accepted=there,
            remedy=f"`{PROGRAM} blocks` says how to make one.",
        ) from None


def _names(block: type[Target]) -> list[str]:
    with get_client(sync_client=True) as client:
        try:
            found = client.read_block_documents_by_type(block.get_block_type_slug(), include_secrets=False)
        except HTTPStatusError as error:
            if error.response.status_code != HTTPStatus.NOT_FOUND:
                raise
            return []  # its type is not registered
    return sorted(one.name for one in found if one.name)
