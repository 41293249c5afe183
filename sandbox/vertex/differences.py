"""Known differences from the real service, and decisions made without knowing it. Shown in COVERAGE.md."""

DIFFERENCES = (
    (
        "A token is accepted if the made-up service account signed it, whatever its audience or scope, or if it is the "
        "stand-in's own. There is no IAM: both may do everything."
    ),
    "ImportIndex (from BigQuery) and IAM are missing.",
    (
        "gRPC and REST (HTTP/1.1 with JSON) answer on the same ports, with and without TLS; gRPC-Web and HTTP/2 with JSON do "
        "not. A connection is gRPC's if its client offers `h2` alone, or opens HTTP/2 without TLS."
    ),
    (
        "REST: paths are those of the official clients, for operations only below locations, indexes and endpoints. Unknown "
        "paths are NOT_FOUND in JSON, where Google sends a page. `fields`, `callback` and `alt` other than `json` are "
        "refused with UNIMPLEMENTED; a list is required where a field is repeated."
    ),
    (
        "A method that is not imitated answers UNIMPLEMENTED with its name. A field that only v1beta1 has is refused in "
        "the same way, and `deployment_tier`, which only v1 has, is not shown in v1beta1."
    ),
    "An operation shows itself in the version that started it, to clients of any version.",
    (
        "Sparse distances are dot products whatever the index's measure, exact, and not normalized by UNIT_L2_NORM. What "
        "shares no dimension with the query is not found."
    ),
    (
        "A hybrid query merges the `neighbor_count` best of the dense and of the sparse search by alpha / rank + (1 - alpha) / "
        'rank, as "About hybrid search" explains it; where one search did not find a neighbor, its distance is 0. A query '
        "with one vector is ranked by it, but `rrf.alpha` 0 without a sparse and 1 without a dense one is refused. Whether the "
        "real service adds a constant to each rank (the literature's is 60), and how deep the rankings are that it merges, is "
        "not documented."
    ),
    (
        "Imports read the `.json`, `.csv` and `.avro` files directly under the folder and the files directly under its "
        "`delete/`; other files and folders are ignored, as the newer copies of the documentation say."
    ),
    (
        "Import records whose treatment is not documented are taken: numbers as strings, whole numbers as ids, `3.0` as an "
        "int, a line as Python prints a dict, a byte order mark, unknown keys, `embedding_metadata`. In a numeric restrict a "
        "0 beside another value counts as not given, and of zeros alone the first counts."
    ),
    (
        "A record counts as valid once for each vector that it holds: in `valid_record_count` for a dense one, in "
        "`valid_sparse_record_count` for a sparse one. Damage ends an Avro file and is one invalid record."
    ),
    "Filtered and crowded queries scan all eligible rows exactly, so their recall is 1, unlike the real tree's.",
    "Tree-AH indexes use ScaNN from 1,000 datapoints and two leaves on; smaller ones, and those with L1, are exact.",
    "Streamed datapoints are searched exactly, beside the tree, until a fifth has changed and the tree is rebuilt.",
    (
        "Distances: DOT_PRODUCT is the dot product itself, COSINE is 1 - cosine, SQUARED_L2 and L1 are as they are. "
        "Under UNIT_L2_NORM the query is normalized too. In a tie the older row comes first."
    ),
    (
        "`neighbor_count` and `num_neighbors` unset: 10. In a query's datapoint the id counts only without a vector, and the "
        "crowding tag and the metadata have no meaning."
    ),
    "Crowding: datapoints without a tag never crowd each other out. The private API's int64 is 63 bits of a hash of the tag.",
    (
        "If a query names a token namespace twice, the union of its tokens counts. A number whose type differs from the "
        "datapoint's makes the datapoint ineligible, without an error."
    ),
    (
        "An upsert with an update mask (`all_restricts`, `embedding_metadata` or both) has no effect on unknown ids, and takes "
        "nothing else of a datapoint."
    ),
    "Removing or reading an unknown id is not an error; the id is ignored.",
    (
        "An empty message or list is none: a sparse embedding without values, an auth provider that allows nobody, "
        "resources without a number beside others."
    ),
    (
        "BatchMatch reports a refused deployed index in its status, and fails as a call when it answers nothing: "
        "the official SDK does not read the status and would show an empty answer."
    ),
    "A JWT's audience, issuer and expiry are checked, its signature is not.",
    "There is one project (`sandbox-project`, 123456789012); any location is accepted.",
    (
        "CreateIndexEndpoint refuses a network without a connection to Google's services at once; that the real one does so, and "
        "not at the end of the operation, is a guess. Networks are those of the stand-in of Compute Engine."
    ),
    "Quotas are not enforced; the throttling fault answers with the real text.",
    (
        "Listings run from the newest to the oldest. Whether a resource is listed while it is being created is unknown; that and "
        "a delay of listings are options."
    ),
    (
        "A deployed index appears on its endpoint, and on its index, when the operation is done; it answers until it "
        "is undeployed. Deletes and undeployments cannot be cancelled: CancelOperation is accepted without effect."
    ),
    (
        "Two operations that change the same index or deployed index are refused (FAILED_PRECONDITION); different deployed "
        "indexes of one endpoint may change at the same time."
    ),
    (
        "A complete overwrite replaces everything that was in the index when it ends. What a partial update deletes is served "
        "until the next compaction, as documented, which comes with the update that makes more than a fifth of the index changed; "
        "what it overwrites counts once at once. Deployed copies follow after a time of our choice, and serve what they held until then."
    ),
    (
        "`index_stats` counts what the index holds; there is always one shard. Replicas and machines are stored and "
        "shown, without effect."
    ),
    "Service and deployment groups, access logs and reserved ranges are stored and shown, without effect.",
    (
        "An encryption key must be named in the resource's own location, and nothing is encrypted by it; whether it exists is not "
        "asked. The deployment tier STORAGE wants SHARD_SIZE_SO_DYNAMIC and no machine type, and has no effect on answers."
    ),
    (
        "Vector Search 2.0 answers on the same ports as Vertex AI, so both share one listing of operations and locations; "
        "v1 only. ExportDataObjects answers UNIMPLEMENTED."
    ),
    (
        "Embedding and ranking models are not imitated: a semantic search, a `vertex_ranker` and a data object that leaves a "
        "vector to a `vertex_embedding_config` are refused with UNIMPLEMENTED, by name."
    ),
    (
        "Vector Search 2.0: searches are exact with an index as well, so `target_recall` has no effect. An index on the field "
        "answers unless `knn_hint` is given, by its own metric and without pages. COSINE_DISTANCE is 1 - cosine. `top_k` unset: 10."
    ),
    (
        "Vector Search 2.0: a text search ranks by BM25 (k1 1.2, b 0.75), and its distance is that score. RRF is the sum of "
        'weight / (60 + rank). Without `output_fields` an answer holds names and ids. A count is `{"count": n}`.'
    ),
    (
        "Vector Search 2.0: an import overwrites data objects with the same id. Invalid lines are counted and left "
        "out; the response's status says how many, and `error_uri` gets a JSON line for each, whose form is made up. Nothing is "
        "written to `output_uri`."
    ),
    (
        "Vector Search 2.0: vector fields can be added to a collection, and neither changed nor removed. `order_by` is refused. "
        "`$ne` and `$nin` are true of a data object without the field. Request ids are remembered for ever."
    ),
    (
        "The `reset` fault resets the connection over REST. Over gRPC it is the status that clients report for that "
        "(UNAVAILABLE), and the connection stays open."
    ),
)
