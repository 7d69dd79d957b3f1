# Every target makes the environment itself if it is missing: only Python >= 3.11 with venv, and make, are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := 0.13.9
SECONDS ?= 60
WORKERS := $(shell expr $$(nproc) \* 3 / 2)  # tests also wait, for answers and for processes

.PHONY: help demo test test-long simulate mutants chaos coverage fuzz lint audit format bench reference docs lock clean

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
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not long" --cov --cov-report=

test-long: $(READY)  ## the tests that take minutes
	$(BIN)/python -m pytest -m long

simulate: $(READY)  ## STEPS=n: deterministic simulation, all promises judged (SEED=n API=mh|policy: one run again)
	cd tests && ../$(BIN)/python -m simulation $(if $(STEPS),--steps $(STEPS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(API),--api $(API))

mutants: $(READY)  ## defects of the original, put into a copy one by one: is each of them noticed?
	cd tests && ../$(BIN)/python -m mutants

chaos: MINUTES ?= 10
chaos: RUNS ?= 1
chaos: $(READY)  ## real processes killed, stopped and cut off: MINUTES=10 RUNS=1 SEED=n; needs MariaDB
	PYTHONPATH=tests $(BIN)/python -m chaos --minutes $(MINUTES) --runs $(RUNS) $(if $(SEED),--seed $(SEED))

coverage: $(READY)  ## what the quick suite covered: branch coverage of the packages that promise 95 %
	$(BIN)/coverage report --include='networking_nsx/sync/*,networking_nsx/nsx/*,networking_nsx/neutron/*' \
		--fail-under=95

fuzz: $(READY)  ## hostile answers, commands and options for SECONDS each; TARGET=name, SEED=n to have one again
	PYTHONPATH=tests $(BIN)/python -m fuzz --seconds $(SECONDS) $(if $(TARGET),--target $(TARGET)) \
		$(if $(SEED),--seed $(SEED))

lint: $(READY)  ## style, types, import layers, security; prints how large functions and modules are
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=tests $(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive networking_nsx
	$(BIN)/python .ci/shape.py
	$(BIN)/python .ci/audit.py || test $$? -eq 3  # 3: no service could tell, which it has said

audit: $(READY)  ## known vulnerabilities of what requirements.lock pins; fails where no service can tell
	$(BIN)/python .ci/audit.py

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## the figures of benchmarks/README.md
	$(BIN)/python -m benchmarks

reference: $(READY)  ## the pages of docs/reference that are made from the program
	for page in docs/tools/*_page.py; do $(BIN)/python $$page || exit 1; done

docs: $(READY)  ## the documentation, as HTML in docs/_build
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build

lock: $(READY)  ## the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-emit-index-url --quiet --upgrade --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) docs/_build .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
