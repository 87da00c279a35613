# Everything is installed into .venv, which is made and kept fresh by the targets that need it.
# A machine needs Python 3.11 or later and make, nothing else.

.DEFAULT_GOAL := help
.PHONY: help demo test e2e check fix bench requirements clean base dev

ARGS ?=
BIN := .venv/bin
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

help: ## Show this list
	@echo "make TARGET [ARGS='…']     ARGS is passed on to the command behind the target"
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

demo: base ## Run the whole product on made-up data (ARGS=--once: only the table)
	@$(BIN)/emberwatch demo $(ARGS)

test: dev ## Run all tests
	@sh scripts/test -n 2 --dist loadgroup $(ARGS)

e2e: dev ## Run the browser tests alone
	@sh scripts/test tests/e2e $(ARGS)

check: dev ## Lint, formatting, types, import layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: dev ## Repair what ruff can repair, and format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: dev ## Measure the figures that are promised
	@$(BIN)/python -m bench $(ARGS)

requirements: ## Pin the packages again (ARGS=--upgrade: to their newest versions); needs uv
	@command -v uv > /dev/null || { echo 'make requirements needs uv: pip install uv' >&2; exit 1; }
	$(COMPILE) $(ARGS) requirements/base.in --output-file requirements/base.txt
	$(COMPILE) $(ARGS) requirements/dev.in --output-file requirements/dev.txt
	@! grep -nE '://|^ *-(i|f|-index|-extra|-find)' requirements/*.txt || \
		{ echo 'An index or download address was written; see the lines above.' >&2; exit 1; }

clean: ## Remove .venv and everything that tools have cached
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

base dev:
	@sh scripts/venv $@
