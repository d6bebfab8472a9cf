# Every target can be run at any time; what is already done is not done again.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
VENV := .venv
BIN := $(VENV)/bin
MADE := $(VENV)/.made
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready-for-tests
ARGS ?=

.PHONY: help install compile up test check stubs bench docs clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1|/' | \
	  while IFS='|' read -r target text; do printf '  make %-9s %s\n' "$$target" "$$text"; done

install: compile ## Make .venv with mesocosm, the AWS CLI and boto3
	@echo "Ready: $(BIN)/mesocosm"

compile: $(INSTALLED) ## Compile the hot modules, if their sources have changed (needs gcc)
	@$(BIN)/python tools/compile.py

up: compile ## Install and start the cloud in the foreground (ARGS="--port 4567")
	@$(BIN)/mesocosm up $(ARGS)

test: $(READY) compile ## Set everything up and run all tests (ARGS="tests/world -k clock")
	@$(BIN)/python -m pytest -q -ra -n auto --dist loadfile $(ARGS)

check: $(READY) ## Lint, format, types, house rules, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/tidy
	$(BIN)/python tools/stubs.py --check
	$(BIN)/python tools/docs.py --check

stubs: $(READY) ## Regenerate the typed shapes of the operations (ARGS=ec2 adds a service)
	$(BIN)/python tools/stubs.py $(ARGS)

bench: $(READY) compile ## Measure against other emulators and a bare echo, on loopback
	$(BIN)/python -m bench $(ARGS)

docs: $(READY) ## Regenerate the generated pages of docs/ (ARGS=--check only compares)
	$(BIN)/python tools/docs.py $(ARGS)

clean: ## Remove everything that was made here
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(MADE): tools/venv.sh
	@tools/venv.sh $(VENV)
	@touch $@

$(INSTALLED): pyproject.toml $(MADE)
	@echo "Installing into $(VENV): a minute or two the first time"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[clients,compiled]'
	@touch $@

$(READY): pyproject.toml $(INSTALLED)
	@echo "Installing what the tests need into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
