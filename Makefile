# Every target sets up what it needs: python3 (3.11 or later, with venv), make and git are enough.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: install demo test fuzz bench migration format clean

install: $(INSTALLED)

$(INSTALLED): setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "scim_bridge needs Python 3.11 or later: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

# make demo ARGS=--once
demo: $(INSTALLED)
	$(BIN)/scim-bridge demo $(ARGS)

# Every branch of the pure files must be covered (setup.cfg); make test ARGS='tests/cli -k backup' runs a part.
test: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist worksteal $(or $(ARGS),--cov)

# Nightly: new requests each day, the same ones for the same seed. A failing case is shrunk and kept in .hypothesis/.
CASES ?= 12500
SEED ?= $(shell date +%Y%m%d)
fuzz: $(INSTALLED)
	@echo 'make fuzz CASES=$(CASES) SEED=$(SEED)'
	SCIM_BRIDGE_TEST_FUZZ_CASES=$(CASES) $(BIN)/pytest -n 2 --hypothesis-seed=$(SEED) tests/fuzz $(ARGS)

bench: $(INSTALLED)
	$(BIN)/python -m bench $(ARGS)

# make migration MESSAGE='add a column': writes the next file in scim_bridge/migrations/versions; read it.
migration: $(INSTALLED)
	$(BIN)/python -m scim_bridge.migrations '$(MESSAGE)'
	$(BIN)/ruff check --quiet --select I --fix scim_bridge/migrations
	$(BIN)/ruff format --quiet scim_bridge/migrations

format: $(INSTALLED)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
