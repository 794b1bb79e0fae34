# What people and CI call. It takes python3 (3.11 or later), git and make; everything else comes into .venv by itself.

PYTHON ?= python3
# Options of the target's program: make demo ARGS="--once --json", make test ARGS="-k webhook"
ARGS ?=

BIN := .venv/bin
READY := .venv/.requirements
UV := uv==0.13.9
# Checks import the settings and connect to nothing.
OFFLINE := OKTADETECT_SECRET_KEY=of-no-use DATABASE_URL=postgres:///of-no-use
COMPILE := $(BIN)/python -m uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11

.PHONY: help demo test test-fast chaos-jira jira-faults lint types format bench docs check lock clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(READY) ## everything on this machine, with attacks flowing; Ctrl-C ends it
	@$(BIN)/python manage.py demo $(ARGS)

test: $(READY) ## every test, on real Postgres, Valkey and OpenSearch
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)

test-fast: $(READY) ## the tests that need no OpenSearch, Jira, browser or running processes
	$(BIN)/python -m pytest -n 2 -m "not opensearch and not jira and not story and not browser" $(ARGS)

chaos-jira: $(READY) ## a thousand alerts under mixed faults of Jira, workers killed; CHAOS_ALERTS, CHAOS_SEED and CHAOS_PROFILE change it
	CHAOS_ALERTS=$${CHAOS_ALERTS:-1000} $(BIN)/python -m pytest tests/chaos -s -q $(ARGS)

jira-faults: $(READY) ## every fault of Jira, one by one; writes docs/jira-faults.md
	JIRA_FAULTS_TABLE=write $(BIN)/python -m pytest tests/story/test_jira_faults.py -q $(ARGS)

lint: $(READY) ## style, spelling, imports, templates, Django's own checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell .
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates
	$(OFFLINE) $(BIN)/python manage.py check --fail-level WARNING
	$(OFFLINE) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

types: $(READY) ## mypy, strict, tests included
	$(OFFLINE) $(BIN)/mypy .

format: $(READY) ## let ruff write what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## how fast it is on this machine
	$(BIN)/python -m bench $(ARGS)

docs: $(READY) ## whether the documentation says what the code does
	$(BIN)/python -m pytest tests/test_docs.py $(ARGS)

check: lint types test ## everything that CI runs

lock: $(READY) ## compile requirements*.txt anew from requirements*.in
	$(COMPILE) --upgrade requirements.in -o requirements.txt
	$(COMPILE) --upgrade requirements-dev.in -o requirements-dev.txt

clean: ## stop the sandbox; delete it with its data, the environment and all caches
	@if [ -x $(BIN)/python ]; then $(BIN)/python manage.py sandbox reset --all; fi
	rm -rf .venv .sandbox .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles test-artifacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv installs in a tenth of the time; where it cannot (an index that only pip is told of), pip does.
$(READY): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'oktadetect needs Python 3.11 or later: make PYTHON=/path/to/python3.11'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo 'This Python cannot make virtual environments: install its venv module (Debian: apt install python3-venv).'; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@echo 'installing requirements into .venv' >&2
	@{ $(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV) \
		&& $(BIN)/python -m uv pip install --quiet --require-hashes -r requirements-dev.txt; } \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
