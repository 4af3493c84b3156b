# Everything a working day needs. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
LOWEST := .venv-lowest
WORKERS ?= 2
PYTEST := pytest -n $(WORKERS) --dist loadfile
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-from-pyproject
LOWEST_STAMP := $(LOWEST)/.made-from-pyproject

RUN := sessionize run sample_data/daily --exclude event=heartbeat --agg landing=first:page --agg purchases=count_if:event,purchase -o build/sessions.csv
SHOW := import pandas; print(pandas.read_csv("build/sessions.csv", dtype=str).drop(columns=["session_id", "start_reason"]).head(10).to_string(index=False))

.DEFAULT_GOAL := help
.PHONY: help setup run test lint format types check check-slow check-store check-lowest bench bench-quick bench-all bench-store bench-spark profile docs examples notebooks picture sample clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(STAMP) ## Make .venv with everything for development

$(STAMP): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit("sessionize needs Python 3.11 or newer: make setup PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: setup ## Sessionize sample_data/ and show the summary and the first rows
	@mkdir -p build
	@echo '$$ $(RUN)'
	@export PATH="$(CURDIR)/$(BIN):$$PATH"; $(RUN)
	@echo
	@echo 'The first sessions in build/sessions.csv, without their session_id and start_reason:'
	@$(BIN)/python -c '$(SHOW)'

test: setup ## Run the tests and doctests
	$(BIN)/python -m $(PYTEST)

lint: setup ## Check the style of the code
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: setup ## Format the code, and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: setup ## Check the types
	$(BIN)/mypy

check: lint types ## What CI runs: style, types, tests, doctests, branch coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check-slow: setup ## The long properties
	STORE_STEPS=2000 $(BIN)/python -m $(PYTEST) -m slow

check-store: setup ## 20,000 random steps of a store: updates, races, deaths
	STORE_STEPS=20000 $(BIN)/python -m pytest -m slow tests/test_store_machine.py

check-lowest: $(LOWEST_STAMP) ## The tests on exactly the lower bounds of every dependency
	PROPERTY_EXAMPLES=20 $(LOWEST)/bin/python -m $(PYTEST)

$(LOWEST_STAMP): pyproject.toml
	@test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --editable '.[test]'
	@touch $@

bench: setup ## Time sessionize beside DuckDB, Polars and pandas
	$(BIN)/python -m benchmarks.run everyone

bench-quick: setup ## The same on a small log, in under two minutes
	$(BIN)/python -m benchmarks.run everyone --rows 1000000

bench-all: setup ## Every log and every goal: takes long, and several GB of disk
	$(BIN)/python -m benchmarks.run all

bench-store: setup ## Time a night in a store of two years; making it takes minutes, and 2 GB of disk
	$(BIN)/python -m benchmarks.store

bench-spark: setup ## Time a run on Spark beside Spark's own idioms (needs Java)
	$(BIN)/python -m benchmarks.spark

profile: setup ## Show where the CPU time of a run goes
	$(BIN)/python -m benchmarks.profile ordered

docs: setup ## Build the documentation site: open build/site/index.html
	$(BIN)/python -m website.stage build/pages
	NO_COLOR=1 $(BIN)/python -m zensical build --strict

examples: setup ## Run every example of README.md and docs/, and compare them with what the code prints
	$(BIN)/python -m pytest tests/test_project.py tests/test_readme.py tests/test_docs_commands.py

notebooks: setup ## Run the notebooks of docs/notebooks/ anew, and keep their outputs
	$(BIN)/python -m website.notebooks

picture: setup ## Take the picture of the sample's report for the README (needs Chromium)
	$(BIN)/python -m tests.browser docs/images/report.png

sample: setup ## Make sample_data/ again from its seed
	$(BIN)/python sample_data/make_sample.py

clean: ## Remove everything that can be made again
	rm -rf $(VENV) $(LOWEST) build dist htmlcov .cache .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
