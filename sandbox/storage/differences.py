"""Known differences from the real Cloud Storage, and decisions made without knowing it. Shown in COVERAGE.md."""

DIFFERENCES = (
    (
        "Only the JSON API: the XML API, signed URLs, policy documents in forms, gRPC and the multipart uploads of the XML API "
        "(`upload_chunks_concurrently`) are missing."
    ),
    (
        "A key in the path of the address (`STORAGE_EMULATOR_HOST=http://127.0.0.1:PORT/KEY`) stands in for credentials: "
        "Google's client sends none to an emulator. Whoever has it may do everything; there is no IAM, and there are no ACLs. "
        "`testIamPermissions` grants what is asked for."
    ),
    (
        "Requests with an `Origin` or Fetch Metadata of a web page are refused with 403, and those for another host than "
        "loopback with 421."
    ),
    (
        "Object versioning, soft deletion, holds, retention, life cycles, encryption keys, hierarchical namespaces and "
        "notifications are refused by name (501). `storageClass` and `iamConfiguration` are stored and shown, without effect."
    ),
    "`fields` and `projection` have no effect: answers are complete, without ACLs. `userProject` is ignored.",
    "A name that holds NUL is refused; whether the real service does is not documented. A bucket's dots need no verified domain.",
    "A copy, rewrite or move is complete after one call. Metadata of a request replaces that of the source as a whole.",
    "A session of a resumable upload keeps every byte that arrived, not only multiples of 256 KiB.",
    "Buckets belong to the `project` that created them, and only its listing shows them; all have one project number.",
    "Quotas and rate limits are not enforced; the throttling fault answers as they do.",
    (
        "A fault `aborted` is the 409 of a concurrent change of metadata; buckets are never created or deleted so. In a batch, a fault befalls one part; a reset or a "
        "stall, the whole batch."
    ),
)
