"""Our marks as labels, and the additional ones: of an index, what it holds; of an endpoint, which version it serves.

Of an index:

coming      in place of `content`: hash of the data that an overwrite is bringing
importing   the folder of import files that an import began to bring, beside what is there
imported    hash of what the last import brought that was seen to its end
overwritten when the last overwrite or import ended, in nanoseconds since 1970 by the service's clock; deployed copies follow later
version     which of the indexes of the name; the first has none
endpoint    what its endpoint was created under, if that is not the index's own name

Of an endpoint, each a version:

serves           what queries go to; without it, to the first
replaced         what was served before the last swap, until a rollback
rolled_back_from what was served before the last rollback, until a swap
served_since     when the last swap or rollback was, in seconds since 1970 by our clock; it is no version

On an endpoint that several names share, those of another name than its own end with it: `serves_products`.
"""

from __future__ import annotations

from collections.abc import Mapping

from tasks.marks import MANAGED_BY, marks
from tasks.vertex.specs import Specification

SERVED_MARKS = ("serves", "replaced", "rolled_back_from", "served_since")
"""The marks of an endpoint."""
MOST_SHARING = 63 - len("rolled_back_from_")
"""The longest name that fits into the keys of these marks, which have at most 63 characters."""
_OF_CONTENT = ("content", "coming", "overwritten", "importing", "imported")
OURS = (*marks("", ""), "version", "endpoint", *_OF_CONTENT, *SERVED_MARKS)
"""The keys of all of them, but those of an endpoint that several names share."""


def is_mark(key: str) -> bool:
    """Whether a label has the key of one of our marks, which no label of the user's own may have."""
    return key in OURS or key.startswith(tuple(f"{mark}_" for mark in SERVED_MARKS))


def mark_for(mark: str, endpoint_name: str, name: str) -> str:
    """The label of an endpoint that holds a mark of a name."""
    return mark if name == endpoint_name else f"{mark}_{name}"


def labels_of(spec: Specification, **more: str) -> dict[str, str]:
    """The labels of a resource made from a specification; of an index, also what is known of its contents."""
    return marks(spec.name, spec.spec, **more)


def labels_renewed(labels: Mapping[str, str], spec: Specification, **more: str) -> dict[str, str]:
    """Labels with our marks renewed: what described the content is replaced, other people's labels stay."""
    others = {key: value for key, value in labels.items() if key not in _OF_CONTENT}
    return others | labels_of(spec, **more)


def name_filter(name: str) -> str:
    """The list filter that finds what we made under a name.

    Documented for endpoints only; whether indexes are filtered alike is not verified, so the labels are checked again.
    """
    return f'labels.managed_by="{MANAGED_BY}" AND labels.name="{name}"'
