"""The marks of the versions of a name, which are custom tags of the endpoint that all of them are on.

spec      hash of the index's immutable configuration
content   hash of the data that the index was loaded with; only once all of it is there
coming    in place of `content`: hash of the data that a load is bringing
replaces  beside `coming`: there was other content before, so that a full count proves nothing
found     beside `content`, where the service embeds: the share of a sample of texts that found their own row

The first version's have these names. Those of another version end in it: `content_5f0c9a2e71bd`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from databricks.sdk.service.vectorsearch import EndpointInfo

from tasks.databricks.specs import FIRST

_KEYS = ("spec", "content", "coming", "replaces", "found")
_CONTENT = re.compile(r"(?:content|coming)(?:_([0-9a-f]{12}))?")


@dataclass(frozen=True, kw_only=True)
class VersionMarks:
    """What is marked of one version."""

    spec: str = ""
    content: str = ""
    coming: str = ""
    replaces: bool = False
    """Whether the load that began is not the first."""
    found: str = ""
    """A share, 0 to 1; empty if it was not measured of this content, or not passed."""

    @property
    def is_loaded(self) -> bool:
        """Whether all of its data is there."""
        return bool(self.content)


def tags_of(there: EndpointInfo) -> dict[str, str]:
    """The custom tags of an endpoint."""
    return {tag.key: tag.value or "" for tag in there.custom_tags or ()}


def marks_of(tags: Mapping[str, str], version: str) -> VersionMarks:
    """The marks of a version among an endpoint's tags."""
    spec, content, coming, replaces, found = (tags.get(_key(mark, version), "") for mark in _KEYS)
    return VersionMarks(spec=spec, content=content, coming=coming, replaces=bool(replaces), found=found)


def with_marks(tags: Mapping[str, str], version: str, marked: VersionMarks) -> dict[str, str]:
    """The tags with these marks of a version, in place of those that it had; the others stay."""
    replaces = "yes" if marked.replaces else ""
    wanted = dict(
        zip(_KEYS, (marked.spec, marked.content, marked.coming, replaces, marked.found), strict=True)
    )
    own = {_key(mark, version) for mark in _KEYS}
    kept = {key: value for key, value in tags.items() if key not in own}
    return kept | {_key(mark, version): value for mark, value in wanted.items() if value}


def marked_versions(tags: Mapping[str, str]) -> tuple[str, ...]:
    """The versions that a build began: whatever there is of a version, its marks came before and go after it."""
    found = {match[1] or FIRST for key in tags if (match := _CONTENT.fullmatch(key))}
    return tuple(sorted(found, key=lambda version: (version != FIRST, version)))


def _key(mark: str, version: str) -> str:
    return mark if version == FIRST else f"{mark}_{version}"
