# Every command a user or developer needs. `make setup` runs by itself before the others.
PYTHON ?= python3
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE = 1
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-annotate --no-header --quiet
.PHONY: setup demo test test-system lint bench kafka lock contracts release-contracts audit clean

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Tenure needs Python 3.11 or newer; run make with PYTHON=/path/to/python3.11")'
	@echo "Setting up .venv (once, about half a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

demo: setup
	@$(BIN)/tenure demo

test: setup                 # side by side what needs a processor only, then what starts servers
	@$(BIN)/python -m pytest -n auto --dist loadfile tests/unit tests/simulation
	@$(BIN)/python -m pytest --ignore tests/unit --ignore tests/simulation

test-system: setup kafka     # what takes long, or more than Python: three nodes of Apache Kafka, a browser, helm
	@$(BIN)/python -m pytest -m long

kafka: setup                # fetches Apache Kafka, for which it needs Java 17 and Maven
	@$(BIN)/python -m deploy.local.apache_kafka

lint: setup
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: setup
	@$(BIN)/python -m tests.bench

contracts: setup            # writes docs/contracts/ anew from the models
	@$(BIN)/python -m cli.language

release-contracts: setup    # at a release: writes down what this version promises, for later ones to be held to
	@$(BIN)/python -m cli.language release

lock:                       # pins what pyproject.toml asks for: here, in the image, and to build it; needs uv
	@$(COMPILE) pyproject.toml --extra embedded --extra png --extra dev --upgrade -o requirements.lock
	@$(COMPILE) pyproject.toml --constraint requirements.lock -o deploy/requirements.lock
	@sed -n 's/^requires = \["\(.*\)"\]$$/\1/p' pyproject.toml | $(COMPILE) - -o deploy/build.lock

audit: setup                # known vulnerabilities of what is pinned; red as well if nobody can be asked
	@$(PYTHON) -m venv .venv/audit
	@.venv/audit/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@for lock in requirements.lock deploy/requirements.lock; do \
		.venv/audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r $$lock || exit 1; done

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
