"""The indices and their aliases. Their documents are kept elsewhere.

Every change is written to the database before it becomes visible.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from sandbox.elastic.errors import Refusal
from sandbox.elastic.ids import new_uuid
from sandbox.elastic.indices import blocks, mappings, names, similarities, vector_fields
from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices import settings as settings_of_indices
from sandbox.elastic.indices.blocks import Level
from sandbox.elastic.indices.data_streams import DataStream, DataStreams, backing_mapping
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.templates import Templates, over
from sandbox.elastic.store import Store
from sandbox.elastic.versions import Release, has_legacy_semantic_text
from sandbox.elastic.wire.exchange import Request


class Indices:
    """All indices. What readers get never changes."""

    def __init__(self, store: Store, release: Release, templates: Templates, streams: DataStreams) -> None:
        self._store = store
        self._templates = templates
        self.streams = streams
        self._release = release
        self._followers: list[Callable[[Index], None]] = []
        self._records = store.records("indices")
        self._counters = store.records("counters")
        self._all = {name: Index(**value) for name, value in self._records.all().items()}

    def __iter__(self) -> Iterator[Index]:
        return iter(sorted(self._all.values(), key=lambda index: index.name))

    def get(self, name: str) -> Index | None:
        """The index of this name; aliases are not considered."""
        return self._all.get(name)

    def resolve(
        self,
        expression: str = "_all",
        *,
        ignore_unavailable: bool = False,
        allow_no_indices: bool = True,
        expand: Container[str] = ("open",),
        level: Level | None = None,
    ) -> list[Index]:
        """The indices that an expression matches, directly or through aliases, sorted by name.

        Raises:
            Refusal: a name does not exist, nothing matches although something must, or a block forbids what the call does
                with them (`level`).
        """
        alias_names = {alias for index in self._all.values() for alias in index.aliases}
        hidden = {name for name, index in self._all.items() if index.settings.get("hidden") == "true"}
        known = [*self._all, *sorted(alias_names), *self.streams.names()]
        found, missing = names.chosen(expression, known, hidden, expand)
        if missing and not ignore_unavailable:
            raise no_index(missing[0])
        if not found and not allow_no_indices:
            raise no_index(expression)
        chosen = {index.name: index for name in found for index in self.behind(name)}
        matched = [chosen[name] for name in sorted(chosen)]
        if level:
            blocks.refuse(matched, level)
        return matched

    def named_by(self, request: Request, level: Level | None = None) -> list[Index]:
        """The indices named in a request's path (all if none is), under the request's own rules for missing ones.

        Raises:
            Refusal: as `resolve`.
        """
        return self.resolve(
            request.params.get("index", "_all"),
            ignore_unavailable=request.flag("ignore_unavailable"),
            allow_no_indices=request.flag("allow_no_indices", True),
            expand=names.expanded(request.text("expand_wildcards", "open")),
            level=level,
        )

    def behind(self, name: str) -> list[Index]:
        """The index of this name, or the indices behind an alias or a data stream of this name; of a stream the newest last."""
        if name in self._all:
            return [self._all[name]]
        if stream := self.streams.get(name):
            return [self._all[index] for index in stream.indices]
        return [index for index in self._all.values() if name in index.aliases]

    def filter_of(self, expression: str) -> dict[str, Any] | None:
        """The query that the aliases of an expression narrow a search to; None if an index is named itself, or by an alias without one.

        Raises:
            Refusal: the indices have different filters, which is not imitated.
        """
        hidden = {name for name, index in self._all.items() if index.settings.get("hidden") == "true"}
        aliases = sorted({alias for index in self._all.values() for alias in index.aliases})
        found, _ = names.chosen(
            expression, [*self._all, *aliases, *self.streams.names()], hidden, ("open", "hidden")
        )
        filters: dict[str, list[Any]] = {}
        for name in found:
            for index in self.behind(name):
                definition = index.aliases.get(name, {}) if name not in self._all else {}
                filters.setdefault(index.name, []).append(definition.get("filter"))
        narrowed = [None if None in each else each for each in filters.values()]
        if not any(narrowed):
            return None
        if any(each != narrowed[0] for each in narrowed):
            raise indices_errors.FILTERS_DIFFER.refusal(expression=expression)
        several = narrowed[0] or []
        return several[0] if len(several) == 1 else {"bool": {"should": several}}

    def single(self, name: str) -> Index:
        """The index to read a single document from.

        Raises:
            Refusal: there is none, or more than one, or it may not be read.
        """
        found = self.behind(name)
        if not found:
            raise no_index(name)
        if len(found) > 1:
            raise indices_errors.SEVERAL_INDICES.refusal(
                alias=name, indices=", ".join(index.name for index in found)
            )
        blocks.refuse(found, "read")
        return found[0]

    def for_writing(self, name: str, require_alias: bool = False) -> Index:
        """The index to write to; created if there is none.

        Raises:
            Refusal: the name is invalid, or the alias has no write index.
        """
        with self._store.lock:
            found = self.behind(name)
            if require_alias and (not found or name in self._all):
                raise indices_errors.NOT_AN_ALIAS.refusal(
                    index=name, metadata={"index": name, "index_uuid": "_na_"}
                )
            if not found and self._templates.for_index(name).is_data_stream:
                self.create_stream(name)
                found = self.behind(name)
            return self._writer(name, found) if found else self.create(name, {}, {}, {})

    def written(self, name: str) -> Index | None:
        """The index that a write to this name goes to; None if it is to be created, or nothing says which.

        As `for_writing`, and changes nothing.
        """
        try:
            return self._writer(name, found) if (found := self.behind(name)) else None
        except Refusal:
            return None

    def _writer(self, name: str, found: list[Index]) -> Index:
        if self.streams.get(name):
            return found[-1]
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
        """Create an index.

        Raises:
            Refusal: the name is taken or invalid, or the definition is invalid.
        """
        found = self._templates.for_index(name)
        if found.is_data_stream:
            raise indices_errors.DATA_STREAM_ONLY.refusal(name=name, template=found.template)
        fields = over(found.mapping, mappings.checked(mapping))
        given = {**found.settings, **settings_of_indices.flat(settings)}
        return self._create(name, given, fields, {**found.aliases, **aliases})

    def create_stream(self, name: str) -> None:
        """Create a data stream with its first backing index.

        Raises:
            Refusal: it exists, or no template has it.
        """
        if self.streams.get(name):
            raise indices_errors.STREAM_EXISTS.refusal(name=name)
        found = self._templates.for_index(name)
        if not found.template:
            raise indices_errors.NO_STREAM_TEMPLATE.refusal(name=name)
        if not found.is_data_stream:
            raise indices_errors.NO_DATA_STREAM_IN_TEMPLATE.refusal(name=name, template=found.template)
        names.check(name)
        if self.behind(name):
            raise indices_errors.NAME_IS_ALIAS.refusal(
                index=name, metadata={"index": name, "index_uuid": "_na_"}
            )
        self.roll_over(DataStream(name, 0, [], found.template, found.meta))

    def roll_over(self, stream: DataStream) -> DataStream:
        """A data stream with another backing index, which is written to from now on."""
        found = self._templates.for_index(stream.name)
        with self.together():
            rolled = stream.rolled_over()
            given = {**found.settings, "hidden": "true"}
            self._create(rolled.indices[-1], given, backing_mapping(found.mapping), {})
            self.streams.put(rolled)
        return rolled

    def _create(
        self,
        name: str,
        given: Mapping[str, str | None],
        fields: dict[str, Any],
        aliases: Mapping[str, Mapping[str, Any]],
    ) -> Index:
        names.check(name)
        settings_of_indices.check(given)
        own = mappings.fields(fields).values()
        vector_fields.check_settings(given, self._release)
        self._check_fields(own, {name: value for name, value in given.items() if value is not None})
        similarities.check(own, given)
        with self.together():
            if name in self._all:
                there = self._all[name]
                raise indices_errors.INDEX_EXISTS.refusal(
                    index=name, uuid=there.uuid, metadata=there.metadata
                )
            if self.behind(name):  # an alias, or a data stream
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
                "version.created": self._created_by(),
            }
            made = settings_of_indices.expanded(made)
            index = Index(name, uuid, self._next_number(), made, fields, {})
            self.put(index)
            for alias, definition in aliases.items():
                self.put(self.with_alias(self._all[name], alias, definition))
            return self._all[name]

    def delete(self, index: Index) -> None:
        """Delete an index and everything in it."""
        with self._store.transaction():
            self._records.delete(index.name)
            self._all.pop(index.name, None)
            self.streams.leave(index.name)
            for follow in self._followers:
                follow(index)

    def when_deleted(self, follow: Callable[[Index], None]) -> None:
        """Call `follow` with every deleted index, in the same transaction."""
        self._followers.append(follow)

    def put(self, index: Index) -> None:
        """Store the new state of an index."""
        with self._store.transaction():
            self._records.put(index.name, asdict(index))
            self._all[index.name] = index

    @contextmanager
    def together(self) -> Generator[None]:
        """All changes or none: a failure rolls them back."""
        with self._store.lock:  # nobody else writes between a failure and its rollback
            try:
                with self._store.transaction():
                    yield
            except BaseException:
                self._all = {name: Index(**value) for name, value in self._records.all().items()}
                self.streams.read_again()
                raise

    def with_alias(self, index: Index, alias: str, definition: Mapping[str, Any]) -> Index:
        """The index with an additional alias.

        Raises:
            Refusal: an index has that name, or the filter is no query.
        """
        if alias in self._all:
            raise indices_errors.ALIAS_IS_INDEX.refusal(
                alias=alias, metadata={"index": alias, "index_uuid": "_na_"}
            )
        if not isinstance(definition.get("filter", {}), dict):
            raise indices_errors.BAD_FILTER.refusal(alias=alias)
        names.check(alias)
        return replace(index, aliases={**index.aliases, alias: dict(definition)})

    def with_mapping(self, index: Index, mapping: Mapping[str, Any]) -> Index:
        """The index with another mapping.

        Raises:
            Refusal: it has a field that the release or the format of the index does not allow.
        """
        self._check_fields(mappings.fields(mapping).values(), index.settings)
        return replace(index, mapping=dict(mapping))

    def with_settings(self, index: Index, settings: Mapping[str, str | None]) -> Index:
        """The index with some settings changed; None resets one."""
        changed = {**index.settings, **settings}
        defaults = {"number_of_replicas": "1"}
        kept = {name: found for name, value in changed.items() if (found := value or defaults.get(name))}
        return replace(index, settings=settings_of_indices.expanded(kept))

    def _next_number(self) -> int:
        number = (self._counters.get("index") or 0) + 1
        self._counters.put("index", number)
        return number

    def _created_by(self) -> str:
        return f"{self._release.major}{self._release.number.split('.')[1]:0>3}000"

    def _check_fields(self, own: Iterable[mappings.Field], settings: Mapping[str, str]) -> None:
        is_legacy = has_legacy_semantic_text({"version.created": self._created_by(), **settings})
        vector_fields.check_release(own, self._release, is_legacy=is_legacy)

    def _of_this_release(self) -> dict[str, str]:
        return {"mapping.exclude_source_vectors": "true"} if self._release.excludes_source_vectors else {}


def no_index(name: str) -> Refusal:
    """The refusal for a name that does not exist."""
    metadata = {
        "resource.type": "index_or_alias",
        "resource.id": name,
        "index_uuid": "_na_",
        "index": name,
    }
    return indices_errors.NO_INDEX.refusal(index=name, metadata=metadata)
