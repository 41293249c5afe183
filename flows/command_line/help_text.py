"""Help as people read it in 80 columns: options in groups by what they are about, none of them and no word broken."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from cyclopts import Group
from cyclopts.help import DefaultFormatter, HelpPanel
from cyclopts.help.specs import DescriptionRenderer
from docstring_parser import parse as parse_docstring
from rich.console import Console, ConsoleOptions
from rich.padding import Padding
from rich.text import Text

_INDENT = 6
"""Beneath an option's name, so that its text has the whole line: the longest word, a key's name, has 67 letters."""
_MAIN = "Options"
_GROUPS: dict[str, tuple[str, ...]] = {
    "Data": (
        "data", "limit", "vectors_from", "ids_from", "queries_from", "sparse_from", "sparse_queries_from", "allow_external_data", "restrict_namespace",
        "restrict_columns", "crowding_tags", "crowding_column", "import_format", "data_columns", "data_fields", "filter_fields", "store_fields", "file", "ids",
        "delete_ids_from", "documents", "source", "source_query", "fields", "id_field", "queries", "questions", "films", "texts", "glosses", "most_glosses",
        "text_template", "chunk_words", "chunk_size", "chunk_overlap", "reader", "datapoints",
    ),
    "Index": (
        "algorithm", "distance_measure", "distance_metric", "feature_norm", "update_method", "shard_size", "approximate_neighbors_count",
        "leaf_node_embedding_count", "fraction_leaf_nodes_to_search", "kms_key", "label", "index_type", "vector_column", "vector_field", "dense", "mapping",
        "settings", "shards", "replicas", "similarity", "element_type", "index_options", "document_prefix", "query_prefix", "lowercase_field", "text_fields",
        "adopt", "as_", "embedding_model", "accept_unembedded", "batch_size", "slices", "load_allocations", "final_allocations",
    ),
    "Serving": (
        "endpoint_name", "machine_type", "min_replicas", "max_replicas", "deployment_tier", "as_version", "min_recall", "rrf_constant", "prune", "model_id",
        "deployment", "deployments", "search_deployment", "ingest_allocations", "ingest_threads", "ingest_adaptive", "search_allocations", "search_threads",
        "search_adaptive", "allocations", "threads", "adaptive", "queue_capacity", "cache_size", "priority", "may_grow", "recreate", "port",
    ),
    "Run": ("yes", "timeout_minutes", "when_interrupted"),
}  # fmt: skip
"""The options of each group, by the names of their fields; all others are what a command is mainly about."""
_SOURCES = re.compile(r"\(from ((?:[a-z_]+, )*[a-z_]+)(?=\)|, in )")
_ORDER = (_MAIN, *_GROUPS, "Output")


def as_typed(text: str, options: Iterable[str]) -> str:
    """A text of a flow, which calls options by their parameters, for who types them: `as_version` becomes `--as-version`.

    Elsewhere than in `(from data)` names of a single word stay as they are, for they are words of the text too, and so does what
    stands in quotes or is explained beneath `Args:`.
    """
    known = set(options)
    text = _SOURCES.sub(lambda found: _typed_sources(found, known), text)
    names = "|".join(re.escape(name) for name in known if "_" in name)
    if not names:
        return text
    return re.sub(
        rf"(?m)^ +\w+:|'[^'\n]*'|(?<![\w.\"-])({names})(?![\w\"])",
        lambda found: _typed(found[1]) if found[1] else found[0],
        text,
    )


def _typed(option: str) -> str:
    return f"--{option.strip('_').replace('_', '-')}"


def _typed_sources(found: re.Match[str], known: set[str]) -> str:
    """`(from vector, data_object_id)`, where words are options for certain: those of a single word too."""
    said = found[1].split(", ")
    return f"(from {', '.join(map(_typed, said))}" if known.issuperset(said) else found[0]


def example(docstring: str) -> str | None:
    """What help shows at its end, in Markdown: the example of a docstring, which is a single command."""
    found = [meta.description or "" for meta in parse_docstring(docstring).meta if meta.args[0] == "examples"]
    return f"**Example:** `{' '.join(' '.join(found).split())}`" if found else None


def group_of(option: str) -> Group:
    """The group in which help shows an option of a flow."""
    return _group(next((title for title, names in _GROUPS.items() if option in names), _MAIN))


def main_group() -> Group:
    """The group of the options that a command is mainly about."""
    return _group(_MAIN)


def output_group() -> Group:
    """The group of the options that every command has."""
    return _group("Output")


@cache
def _group(title: str) -> Group:
    return Group(title, sort_key=_ORDER.index(title))


class InGroups(DefaultFormatter):
    """Prints a group of options, each with its text beneath. What is no group of options is printed as cyclopts does."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Print one group."""
        if panel.format == "command":
            super().__call__(console, options, panel)
            return
        describe = DescriptionRenderer()
        console.print(Text(str(panel.title), style="bold"))
        for entry in panel.entries:
            names = Text(", ".join(entry.display_labels_with_metavar), style="cyan")
            console.print(Padding(names, (0, 0, 0, 2), expand=False))
            console.print(Padding(describe(entry), (0, 0, 0, _INDENT), expand=False))
        console.print()
