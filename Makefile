# Everything that a developer or a newcomer runs. Each target does its own set-up.
# On the machine: Python 3.11, pip and make; `make test-browser` also wants a Chromium (`.ci/run` installs one).

PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed-from-lock
PYTEST := $(BIN)/python -m pytest
COVER := --cov --cov-report=term-missing:skip-covered --cov-fail-under=100

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint test-models test-core test-pipeline test-dashboard test-browser truth explore bench docs lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## .venv from requirements.lock; does nothing when it is up to date

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what requirements.lock names into .venv (one to two minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## a simulated hospital from nothing to its dashboard; ARGS="--days 21 --no-serve" for less
	@$(BIN)/wardflow demo $(ARGS)

# Two sections at a time, each with its output in one piece: while one waits for a process or a last file, the other works.
# The longest goes first; all that is quick goes beside it.
test: setup  ## everything that must hold before a change is merged
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-pipeline lint test-models test-core test-dashboard test-browser

lint: setup  ## style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

# -n 2: these tests share nothing but read-only fixtures; a published home is built once for both workers (tests/homes.py).
# Watched alone: coverage makes Python take half as long again, and these are small examples of every branch (decision 0040).
test-models: setup  ## KPIs, statistics and checks by small examples, which take every branch of models/ and data_quality/
	$(PYTEST) -n 2 --dist loadfile $(COVER) tests/unit tests/spec --ignore-glob='*/test_simulation*'

test-core: setup  ## the simulation, the sources, the documents
	$(PYTEST) -n 2 --dist loadfile tests/unit/test_simulation*.py tests/sources tests/docs

test-pipeline: setup  ## the whole pipeline, the scheduler, the command line, and what must survive a kill
	$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder tests/reliability tests/integration tests/cli

test-dashboard: setup  ## every page, without a browser
	$(PYTEST) -n 2 --dist loadfile tests/dashboard

# Processes of their own: sync Playwright and Dagster do not share one.
test-browser: setup  ## every page, in a real Chromium
	$(PYTEST) -n 2 tests/browser

truth: setup  ## every KPI against truth.json on all 182 days of the demo, not only the three weeks of `make test`
	WARDFLOW_TRUTH_DAYS=182 $(PYTEST) tests/integration/test_truth.py

explore: setup  ## the laws and fuzzers on fresh examples; `make test` keeps to a fixed sequence
	HYPOTHESIS_PROFILE=explore $(PYTEST) -n 2 -m hypothesis tests/unit tests/spec tests/sources

bench: setup  ## how fast each part is
	$(PYTEST) tests/benchmarks -o python_files='bench_*.py' -s

docs: setup  ## write the generated parts of the documents again
	$(BIN)/python -m pipelines.docs

lock:  ## resolve pyproject.toml again; needs uv
	uv pip compile pyproject.toml --group dev --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-strip-extras --no-header --no-annotate -o requirements.lock

clean:  ## what tests and linters leave behind; never a hospital's home
	rm -rf .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage htmlcov
