# The flows and their command line for workers and jobs, from the lock; no stand-ins, no development tools.
#
#   docker build --tag vector-search-ops:0.1.0 .
#   docker run --rm --init vector-search-ops:0.1.0 vector-search --help
#
# If packages come from a mirror, give pip its settings for the build alone: --secret id=pip,src=$HOME/.config/pip/pip.conf
FROM python:3.11-slim AS build
RUN python -m venv /opt/vector-search
WORKDIR /src
COPY locks/worker.lock locks/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/vector-search/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r locks/worker.lock
COPY pyproject.toml README.md LICENSE ./
COPY deployments deployments
COPY protos protos
COPY tasks tasks
COPY flows flows
RUN /opt/vector-search/bin/pip install --no-cache-dir --no-deps --no-index --no-build-isolation . \
    && /opt/vector-search/bin/pip check

FROM python:3.11-slim
COPY --from=build /opt/vector-search /opt/vector-search
# Reports, downloads and import files, and what Prefect's client keeps: the only folder that is written to, besides /tmp.
RUN install -d -o 10001 -g 10001 /var/lib/vector-search
ENV PATH=/opt/vector-search/bin:$PATH \
    HOME=/var/lib/vector-search \
    VECTOR_SEARCH_HOME=/var/lib/vector-search \
    PREFECT_HOME=/var/lib/vector-search/prefect \
    # As on the local stack: Prefect's server finds a run whose container has died by its missing heartbeats.
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30 \
    PREFECT_SERVER_EPHEMERAL_ENABLED=false \
    DO_NOT_TRACK=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/vector-search
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
# No ENTRYPOINT: Prefect's workers give the whole command, `prefect flow-run execute`.
CMD ["vector-search", "--help"]
