# Every task of the house. CI calls the same targets. Needs only Python >= 3.11 and make.
PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3.14 python3; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.run-stamp
DEV_STAMP := $(VENV)/.dev-stamp

.DEFAULT_GOAL := help
.PHONY: help run stop test check bench chaos fuzz migrate revision fmt lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMP): requirements.txt pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --no-deps -e .
	@touch $@

$(DEV_STAMP): requirements-dev.txt $(STAMP)
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@

run: $(STAMP) ## set everything up and start the whole product
	@$(BIN)/cogep up

stop: $(STAMP) ## stop what `make run` started
	@$(BIN)/cogep stop

migrate: $(STAMP) ## bring the database to the newest schema
	@$(BIN)/cogep migrate

test: $(DEV_STAMP) ## run the tests against embedded Postgres and Redis
	$(BIN)/pytest

check: $(DEV_STAMP) ## lint, types, architecture contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(DEV_STAMP) ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV_STAMP) ## measure, side by side with peers
	$(BIN)/python -m benchmarks

lock: ## pin the dependencies anew (needs uv)
	uv pip compile pyproject.toml -q --universal --python-version 3.11 --generate-hashes -o requirements.txt
	uv pip compile pyproject.toml -q --group dev --universal --python-version 3.11 --generate-hashes \
	  -c requirements.txt -o requirements-dev.txt

clean: ## remove the environment and all local data
	rm -rf $(VENV) .cogep .mypy_cache .ruff_cache .pytest_cache
