# Every task of the house. CI calls the same targets. Needs only Python >= 3.11 and make.
# Looked for only when needed, and once; 3.12 and 3.11 first, for they have a wheel with Redis.
PYTHON ?= $(eval PYTHON := $(shell for p in python3.12 python3.11 python3.13 python3.14 python3; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done))$(PYTHON)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTHON_STAMP := $(VENV)/.python-stamp
STAMP := $(VENV)/.run-stamp
DEV_STAMP := $(VENV)/.dev-stamp

.DEFAULT_GOAL := help
.PHONY: help run stop test coverage check bench chaos fuzz migrate revision access fmt lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# A stamp is written last: whatever was interrupted is done again.
$(PYTHON_STAMP):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PIP) --version >/dev/null 2>&1 || { echo "Setting up $(VENV) with $$($(PYTHON) --version) ..."; \
	  $(PYTHON) -m venv --clear $(VENV); }
	@touch $@

$(STAMP): requirements.txt pyproject.toml $(PYTHON_STAMP)
	@echo "Installing what the product needs; this takes a minute, once ..."
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps -e .
	@touch $@

$(DEV_STAMP): requirements-dev.txt $(STAMP)
	@echo "Installing what tests and checks need ..."
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

run: $(STAMP) ## set everything up and start the whole product
	@$(BIN)/cogep up

stop: $(STAMP) ## stop what `make run` started
	@$(BIN)/cogep stop

migrate: $(STAMP) ## bring the database to the newest schema
	@$(BIN)/cogep migrate

revision: $(STAMP) ## write a migration from the models: make revision m="what changes"
	@test -n "$(m)" || { echo 'Say what changes: make revision m="..."' >&2; exit 1; }
	@$(BIN)/cogep revision "$(m)"

access: $(STAMP) ## print the permission table into docs/access.md
	@$(BIN)/python -m ops.access_page

# Two processes with servers of their own; a module stays together, for its fixtures.
test: $(DEV_STAMP) ## run the tests against embedded Postgres and Redis; ARGS="-k name" chooses
	$(BIN)/pytest --numprocesses 2 --dist loadscope $(ARGS)

coverage: $(DEV_STAMP) ## the tests, and which lines and branches they reach
	$(BIN)/pytest --numprocesses 2 --dist loadscope --cov --cov-report=term $(ARGS)

chaos: $(DEV_STAMP) ## kill, pause and cut off servers and workers, for longer than the tests do
	$(BIN)/pytest tests/chaos $(ARGS)

# A night may have thousands: make fuzz EXAMPLES=2000
EXAMPLES ?= 50
fuzz: $(DEV_STAMP) ## hostile input against every route, for longer than the tests do
	COGEP_FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/pytest tests/fuzz $(ARGS)

check: $(DEV_STAMP) ## lint, types, architecture contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(DEV_STAMP) ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV_STAMP) ## measure, side by side with peers; ARGS="queue --quick" chooses
	$(BIN)/python -m benchmarks $(ARGS)

lock: ## pin the dependencies anew (needs uv)
	uv pip compile pyproject.toml -q --universal --python-version 3.11 --generate-hashes -o requirements.txt
	uv pip compile pyproject.toml -q --group dev --universal --python-version 3.11 --generate-hashes \
	  -c requirements.txt -o requirements-dev.txt

clean: ## remove the environment and all local data
	rm -rf $(VENV) .cogep .mypy_cache .ruff_cache .pytest_cache
