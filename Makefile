# The two commands of this project are `make run` and `make test`; both set up .venv where it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help run demo test lint types unit docs html pictures bench soak format clean

help:  ## what can be typed
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -e 's/:.*## /\t/' | expand -t 12

run: SITE ?= configs/demo/site.toml
run: $(VENV)/ready  ## start the demo site and show it (q stops it); without a terminal, its log; SITE=site.toml for another
	@if [ -t 0 ] && [ -t 1 ] && [ "$${TERM:-dumb}" != dumb ]; then \
		exec $(BIN)/ess_view --site $(SITE); \
	else \
		exec $(BIN)/ess_site up $(SITE); \
	fi

demo: $(VENV)/ready  ## run the calculator's data validation and check its answers
	@$(BIN)/python -m tools.demo

test: $(VENV)/ready lint types unit  ## linters, types and tests

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/ready
	$(BIN)/mypy

unit: $(VENV)/ready
	$(BIN)/pytest -n 4 --dist worksteal

docs: $(VENV)/ready  ## write what the commands print and the tables of the state machines into the pages
	@$(BIN)/python -m tools.docs_tools docs/tools.md docs/modbus.md docs/operating.md docs/record.md docs/site-file.md docs/troubleshooting.md
	@$(BIN)/python -m tools.states_page docs/states.md
	@$(BIN)/python -m tools.reference docs/reference.md

html: $(VENV)/docs  ## build the site of the documentation in build/html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file tools/mkdocs.yml
	@echo build/html/index.html

pictures: $(VENV)/ready  ## take the pictures of docs/images from the running demo (needs Chromium)
	@$(BIN)/python -m tools.pictures docs/images

bench: $(VENV)/bench  ## measure the bus beside others; BENCH="--quick" for other options
	@$(BIN)/python -m tools.bench $(BENCH)

soak: $(VENV)/ready  ## ten minutes of the bridge at a device that misbehaves; SOAK="--minutes 60" for longer
	@$(BIN)/python -m tools.soak $(SOAK)

format: $(VENV)/ready  ## let ruff put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove .venv and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache *.egg-info

$(VENV)/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: ess-bus needs Python 3.11 or newer; say which one with PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@# Also where PYTHONDONTWRITEBYTECODE is set: compiling at every start would double that of fims_send.
	@$(BIN)/python -m compileall -q ess_bus modbus_bridge calculator tools
	@touch $@

# What `make html` builds with; nothing else needs it.
$(VENV)/docs: $(VENV)/ready
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

# The clients of what the bus is compared with; nothing else needs them.
$(VENV)/bench: $(VENV)/ready
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@
