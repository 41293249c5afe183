"""What is known to differ from the real service, or decided without knowing it. Shown in COVERAGE.md."""

DIFFERENCES = (
    "Only gRPC: no REST. `v1beta1.IndexService` (ImportIndex from BigQuery among it), IAM and Locations are missing.",
    "Dense vectors only: sparse embeddings, hybrid queries and RRF are refused with UNIMPLEMENTED.",
    "Import files: JSON lines only; CSV and Avro fail the operation with UNIMPLEMENTED.",
    "Filtered and crowded queries scan all eligible rows exactly, so their recall is 1, unlike the real tree's.",
    "Tree-AH indexes are ScaNN from 1,000 points and two leaves on; below that, and under L1, they are exact.",
    "Points streamed in are found exactly beside the tree until a fifth has changed and it is rebuilt.",
    (
        "Distances: DOT_PRODUCT is the dot product itself, COSINE is 1 - cosine, SQUARED_L2 and L1 are as they are. "
        "Under UNIT_L2_NORM the query is normalised too. Ties go to the older row."
    ),
    "`neighbor_count` and `num_neighbors` unset: 10.",
    "Crowding: datapoints without a tag crowd nobody. The private API's int64 is 63 bits of a hash of the tag.",
    (
        "A token namespace named twice in one query means the union of its tokens. A number of another type than the "
        "datapoint's makes the datapoint ineligible, without an error."
    ),
    "`update_mask=all_restricts` on an unknown id has no effect. `embedding_metadata` is no mask of its own.",
    "Removing an unknown id, and reading one, is no error: it is passed over.",
    "A JWT's audience, issuer and expiry are checked, its signature is not.",
    "One project (`sandbox-project`, 123456789012); any location; names of networks are not looked up.",
    "Quotas are not counted; the throttling fault answers with the real text.",
    (
        "Listings run from the newest to the oldest; `read_mask` has no effect. Whether a resource under creation is listed "
        "is unknown and can be chosen; so can a delay of listings."
    ),
    (
        "A deployed index appears on its endpoint, and on its index, when the operation is done; it answers until an "
        "undeployment is done. Deletes and undeployments cannot be cancelled: CancelOperation is accepted without effect."
    ),
    (
        "Two operations that change the same index or deployed index are refused (FAILED_PRECONDITION); different deployed "
        "indexes of one endpoint may change at once."
    ),
    (
        "A complete overwrite replaces everything that was in the index when it ends, and deployed copies follow at once. "
        "A partial update takes effect at once too, deletions included: there is no compaction."
    ),
    "`index_stats` counts what deployed copies show; there is always one shard. Replicas and machines are only noted.",
    "Service and deployment groups, access logs, encryption keys and reserved ranges are kept and shown, no more.",
    "The `reset` fault is the status that clients report for a reset connection (UNAVAILABLE); the connection lives on.",
)
