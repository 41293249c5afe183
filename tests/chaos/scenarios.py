"""The flows, each as a command and the scenario whose end it begins with. A scenario's state is the end of a chain of them."""

from __future__ import annotations

from dataclasses import dataclass

NAME = "chaos"
"""Of everything that the commands make; without a digit, so that a crash point's name can show it."""

_WITHOUT_WAITS = {"check", "query", "verify", "search", "compare", "diagnose", "swap", "rollback"}
_SHORT = {
    "vertex build", "vertex build, other data", "vertex teardown", "vertex-collections build, imported", "elastic deploy", "elastic load", "elastic embed",
    "elastic teardown", "databricks build, other data", "answers-on-elastic index, changed",
}  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """A flow in one situation."""

    id: str
    words: str
    """The command line after the engine, with the files of `data.py` in braces."""
    after: str | None = None
    """The scenario that comes before; None for an empty service."""
    settles: bool = True
    """Whether a further run is promised to make no changing call; else only the same end state is."""

    @property
    def reports_at_once(self) -> bool:
        """Whether a single call that fails is the flow's answer: a check says at once that nothing answers."""
        return self.words == "check"

    @property
    def in_short(self) -> bool:
        """Whether the sample of minutes takes it."""
        return self.id in _SHORT

    @property
    def engine(self) -> str:
        """Whose flow it is; for answers also on what: `answers-on-elastic`."""
        return self.id.partition(" ")[0]

    @property
    def waits(self) -> bool:
        """Whether its flow waits, and so takes `--timeout-minutes`."""
        return self.words.split()[0] not in _WITHOUT_WAITS

    @property
    def command(self) -> list[str]:
        """The words of the command line."""
        engine, _, on = self.engine.partition("-on-")
        return [engine, *self.words.split(), *(["--engine", on] if on else [])]


_VERTEX = (
    Scenario("vertex build", f"build --name {NAME} --data {{vectors}}"),
    Scenario("vertex build, private", f"build --name {NAME} --data {{vectors}} --endpoint vpc"),
    Scenario("vertex build, other data", f"build --name {NAME} --data {{others}} --yes", "vertex build"),
    Scenario("vertex build, more replicas", f"build --name {NAME} --data {{vectors}} --max-replicas 2 --yes", "vertex build"),
    Scenario("vertex build, as version", f"build --name {NAME} --data {{others}} --as-version --min-recall 0 --yes", "vertex build"),
    Scenario("vertex swap", f"swap --name {NAME} --to first", "vertex build, as version"),
    Scenario("vertex rollback", f"rollback --name {NAME}", "vertex build, as version"),
    Scenario("vertex prune", f"prune --name {NAME} --yes", "vertex build, as version"),
    Scenario("vertex upsert-datapoints", f"upsert-datapoints --name {NAME} --file {{points}}", "vertex build", settles=False),
    Scenario("vertex remove-datapoints", f"remove-datapoints --name {NAME} --ids 1 2 3", "vertex build", settles=False),
    Scenario("vertex build, batch", f"build --name {NAME} --data {{vectors}} --update-method BATCH_UPDATE"),
    Scenario("vertex import", f"import --name {NAME} --data {{delta}} --delete-ids-from {{gone}}", "vertex build, batch"),
    Scenario("vertex check", "check", "vertex build"),
    Scenario("vertex query", f"query --name {NAME} --datapoint-id 7", "vertex build"),
    Scenario("vertex verify", f"verify --name {NAME} --data {{vectors}}", "vertex build"),
    Scenario("vertex teardown", f"teardown --name {NAME} --yes", "vertex build"),
    Scenario("vertex tour", f"tour --name {NAME} --data {{tour}} --endpoint public --yes", settles=False),
)  # fmt: skip
_COLLECTIONS = (
    Scenario("vertex-collections build", f"build --name {NAME} --data {{vectors}}"),
    Scenario("vertex-collections build, imported", f"build --name {NAME} --data {{vectors}} --load import"),
    Scenario("vertex-collections build, other data", f"build --name {NAME} --data {{others}} --yes", "vertex-collections build"),
    Scenario("vertex-collections build, other data imported", f"build --name {NAME} --data {{others}} --load import --yes", "vertex-collections build"),
    Scenario("vertex-collections build, more replicas", f"build --name {NAME} --data {{vectors}} --max-replicas 4", "vertex-collections build"),
    Scenario("vertex-collections check", "check", "vertex-collections build"),
    Scenario("vertex-collections query", f"query --name {NAME} --data-object-id 7", "vertex-collections build"),
    Scenario("vertex-collections verify", f"verify --name {NAME} --data {{vectors}}", "vertex-collections build"),
    Scenario("vertex-collections teardown", f"teardown --name {NAME} --yes", "vertex-collections build, imported"),
)  # fmt: skip
_ELASTIC = (
    Scenario("elastic deploy", f"deploy --name {NAME}"),
    Scenario("elastic load", "load --name texts --data {texts} --id-field id --lowercase-field title", "elastic deploy"),
    Scenario("elastic load, in flight", "load --name texts --data {texts} --id-field id", "elastic deploy"),
    Scenario("elastic embed, passages", f"embed --name {NAME} --source texts --fields text --chunk-words 20 --deployment {NAME}-ingest --search-deployment {NAME}-search", "elastic load"),
    Scenario("elastic embed", f"embed --name {NAME} --source texts --fields text --deployment {NAME}-ingest --search-deployment {NAME}-search", "elastic load"),
    Scenario("elastic load, more", "load --name texts --data {more} --id-field id --lowercase-field title", "elastic embed"),
    Scenario("elastic embed, again", f"embed --name {NAME} --source texts --fields text --deployment {NAME}-ingest --search-deployment {NAME}-search --queries {{queries}}", "elastic load, more"),
    Scenario("elastic check", "check", "elastic embed"),
    Scenario("elastic search", f"search --name {NAME} --text painter", "elastic embed"),
    Scenario("elastic verify", f"verify --name {NAME} --queries {{queries}}", "elastic embed"),
    Scenario("elastic diagnose", f"diagnose --name {NAME}", "elastic embed"),
    Scenario("elastic upgrade", f"upgrade --name {NAME} --deployment {NAME}-search", "elastic embed"),
    Scenario("elastic rollback", f"rollback --name {NAME}", "elastic embed, again"),
    Scenario("elastic embed, a third time", f"embed --name {NAME} --source texts --fields text title --deployment {NAME}-ingest --search-deployment {NAME}-search", "elastic embed, again"),
    Scenario("elastic prune", f"prune --name {NAME} --yes", "elastic embed, a third time"),
    Scenario("elastic teardown", f"teardown --name {NAME} --deployments {NAME}-ingest {NAME}-search --yes", "elastic embed"),
    Scenario("elastic endpoint-ensure", f"endpoint-ensure --name {NAME}-endpoint", "elastic load"),
    Scenario("elastic embed, semantic", f"embed --as semantic-text --name {NAME} --source texts --fields text --endpoint {NAME}-endpoint", "elastic endpoint-ensure"),
    Scenario("elastic embed, dense", f"embed --as dense-vector --name {NAME} --source texts --fields text --endpoint .multilingual-e5-small-elasticsearch --similarity dot_product --index-options int8_hnsw", "elastic load"),
    Scenario("elastic compare", f"compare --name {NAME} --queries {{queries}}", "elastic embed, semantic"),
    Scenario("elastic endpoint-delete", f"endpoint-delete --name {NAME}-endpoint --yes", "elastic endpoint-ensure"),
    Scenario("elastic tour", f"tour --name {NAME} --films {{films}} --queries {{film_queries}} --texts {{glosses}} --limit 8", settles=False),
)  # fmt: skip
_DATABRICKS = (
    Scenario("databricks build", f"build --name {NAME} --data {{vectors}}"),
    Scenario("databricks build, other data", f"build --name {NAME} --data {{others}} --yes", "databricks build"),
    Scenario("databricks build, delta sync", f"build --name {NAME} --data {{vectors}} --index-type DELTA_SYNC"),
    Scenario("databricks build, delta sync, other data", f"build --name {NAME} --data {{others}} --index-type DELTA_SYNC --yes", "databricks build, delta sync"),
    Scenario("databricks sync", f"sync --name {NAME}", "databricks build, delta sync", settles=False),
    Scenario("databricks upsert-datapoints", f"upsert-datapoints --name {NAME} --file {{rows}}", "databricks build", settles=False),
    Scenario("databricks remove-datapoints", f"remove-datapoints --name {NAME} --ids 1 2 3", "databricks build", settles=False),
    Scenario("databricks check", "check", "databricks build"),
    Scenario("databricks query", f"query --name {NAME} --datapoint-id 7", "databricks build"),
    Scenario("databricks verify", f"verify --name {NAME} --data {{vectors}}", "databricks build"),
    Scenario("databricks teardown", f"teardown --name {NAME} --yes", "databricks build, delta sync"),
)  # fmt: skip
_ANSWERS = (
    Scenario("answers-on-elastic index", f"index --name {NAME} --documents {{documents}} --replicas 0"),
    Scenario("answers-on-elastic index, changed", f"index --name {NAME} --documents {{changed}} --replicas 0", "answers-on-elastic index"),
    Scenario("answers-on-elastic index, dense", f"index --name {NAME} --documents {{documents}} --replicas 0 --dense"),
    Scenario("answers-on-elastic ask", f"ask --name {NAME} --question taxi", "answers-on-elastic index", settles=False),
    Scenario("answers-on-elastic verify", f"verify --name {NAME} --documents {{documents}}", "answers-on-elastic index"),
    Scenario("answers-on-databricks index", f"index --name {NAME} --documents {{documents}} --dense"),
    Scenario("answers-on-databricks index, changed", f"index --name {NAME} --documents {{changed}} --dense", "answers-on-databricks index"),
    Scenario("answers-on-vertex index", f"index --name {NAME} --documents {{documents}} --dense --yes"),
    Scenario("answers-on-vertex index, changed", f"index --name {NAME} --documents {{changed}} --dense --yes", "answers-on-vertex index"),
)  # fmt: skip

SCENARIOS = {one.id: one for one in (*_VERTEX, *_COLLECTIONS, *_ELASTIC, *_DATABRICKS, *_ANSWERS)}
