"""The indices and their aliases: the one place that knows which there are. What documents they hold is not its business.

Every change is written through to the store before it shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.errors import Refusal
from sandbox.elastic.ids import new_uuid
from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices import mappings, names
from sandbox.elastic.indices import settings as settings_of_indices
from sandbox.elastic.indices.index import Index
from sandbox.elastic.store import Store
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import Request


class Indices:
    """All of them. Readers get copies that do not change; `lock` is the store's."""

    def __init__(self, store: Store, release: Release) -> None:
        self._store = store
        self._release = release
        self._followers: list[Callable[[Index], None]] = []
        self._records = store.records("indices")
        self._counters = store.records("counters")
        self._all = {name: Index(**value) for name, value in self._records.all().items()}

    def __iter__(self) -> Iterator[Index]:
        return iter(sorted(self._all.values(), key=lambda index: index.name))

    def get(self, name: str) -> Index | None:
        """The index of this name; aliases are not looked at."""
        return self._all.get(name)

    def resolve(
        self, expression: str = "_all", *, ignore_unavailable: bool = False, allow_no_indices: bool = True
    ) -> list[Index]:
        """The indices that an expression means, through aliases too, in the order of their names.

        Raises:
            Refusal: a name is not there, or nothing is and something must be.
        """
        alias_names = {alias for index in self._all.values() for alias in index.aliases}
        found, missing = names.chosen(expression, [*self._all, *sorted(alias_names)])
        if missing and not ignore_unavailable:
            raise no_index(missing[0])
        if not found and not allow_no_indices:
            raise no_index(expression)
        chosen = {index.name: index for name in found for index in self.behind(name)}
        return [chosen[name] for name in sorted(chosen)]

    def named_by(self, request: Request) -> list[Index]:
        """The indices in a request's path, all without one, by its own rules for what is missing.

        Raises:
            Refusal: as `resolve`.
        """
        return self.resolve(
            request.params.get("index", "_all"),
            ignore_unavailable=request.flag("ignore_unavailable"),
            allow_no_indices=request.flag("allow_no_indices", True),
        )

    def behind(self, name: str) -> list[Index]:
        """The index of this name, or the indices behind an alias of this name."""
        if name in self._all:
            return [self._all[name]]
        return [index for index in self._all.values() if name in index.aliases]

    def single(self, name: str) -> Index:
        """The one index that is read when one document is.

        Raises:
            Refusal: there is none, or several.
        """
        found = self.behind(name)
        if not found:
            raise no_index(name)
        if len(found) > 1:
            raise indices_errors.SEVERAL_INDICES.refusal(
                alias=name, indices=", ".join(index.name for index in found)
            )
        return found[0]

    def for_writing(self, name: str, require_alias: bool = False) -> Index:
        """The index that is written to; made if there is none.

        Raises:
            Refusal: the name cannot be one, or its alias has no write index.
        """
        with self._store.lock:
            found = self.behind(name)
            if require_alias and (not found or name in self._all):
                raise indices_errors.NOT_AN_ALIAS.refusal(
                    index=name, metadata={"index": name, "index_uuid": "_na_"}
                )
            if not found:
                return self.create(name, {}, {}, {})
            if name in self._all:
                return found[0]
            writers = [index for index in found if index.aliases[name].get("is_write_index")]
            if not writers and len(found) == 1 and found[0].aliases[name].get("is_write_index") is None:
                writers = found
            if len(writers) != 1:
                raise indices_errors.NO_WRITE_INDEX.refusal(alias=name)
            return writers[0]

    def create(
        self,
        name: str,
        settings: Mapping[str, Any],
        mapping: Mapping[str, Any],
        aliases: Mapping[str, Mapping[str, Any]],
    ) -> Index:
        """Make an index.

        Raises:
            Refusal: the name is taken or impossible, or a part of the definition is.
        """
        names.check(name)
        given = settings_of_indices.flat(settings)
        settings_of_indices.check(given)
        mappings.check(mapping)
        with self.together():
            if name in self._all:
                there = self._all[name]
                raise indices_errors.INDEX_EXISTS.refusal(
                    index=name, uuid=there.uuid, metadata=there.metadata
                )
            if self.behind(name):
                raise indices_errors.NAME_IS_ALIAS.refusal(
                    index=name, metadata={"index": name, "index_uuid": "_na_"}
                )
            uuid = new_uuid()
            defaults = {"number_of_shards": "1", "number_of_replicas": "1"}
            own = {name: value for name, value in given.items() if value is not None}
            made = {
                "routing.allocation.include._tier_preference": "data_content",
                **defaults,
                **self._of_this_release(),
                **own,
                "provided_name": name,
                "creation_date": str(int(time.time() * 1000)),
                "uuid": uuid,
                "version.created": f"{self._release.major}{self._release.number.split('.')[1]:0>3}000",
            }
            index = Index(name, uuid, self._next_number(), made, dict(mapping), {})
            self.put(index)
            for alias, definition in aliases.items():
                self.put(self.with_alias(self._all[name], alias, definition))
            return self._all[name]

    def delete(self, index: Index) -> None:
        """Take an index away, with all that it holds."""
        with self._store.transaction():
            self._records.delete(index.name)
            self._all.pop(index.name, None)
            for follow in self._followers:
                follow(index)

    def when_deleted(self, follow: Callable[[Index], None]) -> None:
        """Have something done with every index that is deleted, in the same transaction."""
        self._followers.append(follow)

    def put(self, index: Index) -> None:
        """Write an index as it is to be."""
        with self._store.transaction():
            self._records.put(index.name, asdict(index))
            self._all[index.name] = index

    @contextmanager
    def together(self) -> Generator[None]:
        """All changes or none: what fails is taken back."""
        with self._store.lock:  # nobody writes between what fails and its being taken back
            try:
                with self._store.transaction():
                    yield
            except BaseException:
                self._all = {name: Index(**value) for name, value in self._records.all().items()}
                raise

    def with_alias(self, index: Index, alias: str, definition: Mapping[str, Any]) -> Index:
        """The index with one more alias.

        Raises:
            Refusal: an index has that name, or it would be a filtered alias.
        """
        if alias in self._all:
            raise indices_errors.ALIAS_IS_INDEX.refusal(
                alias=alias, metadata={"index": alias, "index_uuid": "_na_"}
            )
        if "filter" in definition:
            raise errors.ILLEGAL_ARGUMENT.refusal(problem="the sandbox has no filtered aliases")
        names.check(alias)
        return replace(index, aliases={**index.aliases, alias: dict(definition)})

    def with_mapping(self, index: Index, mapping: Mapping[str, Any]) -> Index:
        """The index with another mapping."""
        return replace(index, mapping=dict(mapping))

    def with_settings(self, index: Index, settings: Mapping[str, str | None]) -> Index:
        """The index with some settings changed, or reset where they are None."""
        changed = {**index.settings, **settings}
        defaults = {"number_of_replicas": "1"}
        kept = {name: found for name, value in changed.items() if (found := value or defaults.get(name))}
        return replace(index, settings=kept)

    def _next_number(self) -> int:
        number = (self._counters.get("index") or 0) + 1
        self._counters.put("index", number)
        return number

    def _of_this_release(self) -> dict[str, str]:
        return {"mapping.exclude_source_vectors": "true"} if self._release.excludes_source_vectors else {}


def no_index(name: str) -> Refusal:
    """The refusal for a name that is not there."""
    metadata = {
        "resource.type": "index_or_alias",
        "resource.id": name,
        "index_uuid": "_na_",
        "index": name,
    }
    return indices_errors.NO_INDEX.refusal(index=name, metadata=metadata)
