# Every target makes the environment itself if it is missing: only Python >= 3.11 with venv, and make, are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := 0.13.9

.PHONY: help demo test test-long coverage lint format bench docs lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	$(BIN)/uv pip sync --compile-bytecode --quiet --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

demo: $(READY)  ## the main job, everything embedded, in under a minute
	$(BIN)/neutron-nsx demo

test: $(READY)  ## the quick suite; a database server that is not installed skips its tests, with the reason
	$(BIN)/python -m pytest -n auto -m "not long" --cov --cov-report=

test-long: $(READY)  ## the tests that take minutes
	$(BIN)/python -m pytest -m long

coverage: $(READY)  ## what the quick suite covered: branch coverage of the packages that promise 95 %
	$(BIN)/coverage report --include='networking_nsx/sync/*,networking_nsx/nsx/*,networking_nsx/neutron/*' \
		--fail-under=95

lint: $(READY)  ## style, types, import layers; prints how large functions and modules are
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/shape.py

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## the figures of benchmarks/README.md
	$(BIN)/python -m benchmarks

docs: $(READY)  ## the documentation, as HTML in docs/_build
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build

lock: $(READY)  ## the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-emit-index-url --quiet --upgrade --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) docs/_build .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
