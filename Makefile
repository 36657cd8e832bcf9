# make demo        nine architectures on the embedded emoji, and a report on them, from nothing but Python and make
#                  (DEMO=smoke: 20 steps each)
# make demo-long   one of them for longer: the picture in the README
# make test        everything that must hold before a change goes in: lint, types, imports, tests
# make soak        faults injected for MINUTES (90), counted in docs/reliability.md (PART=kills: one table of five)
# make supply      whether two builds are equal, and what is in them; known flaws of dependencies
# make docs        the pages of docs/ as a site, in site/; a broken link is an error
#
# The environment in .venv is made when it is first needed, and again when the dependencies change.

PYTHON3 ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
STAMP := $(VENV)/.complete
PIP := $(PYTHON) -m pip --disable-pip-version-check

DEMO ?= full
DEMO_full := demo
DEMO_smoke := demo-smoke
DEMO_NAME = $(or $(DEMO_$(DEMO)),$(error DEMO is full or smoke, not $(DEMO)))
WORKERS ?= 2

.PHONY: env test test-slow soak supply lint demo demo-long crossing docs gpu-check format clean

env: $(STAMP)

$(STAMP): pyproject.toml setup.py constraints.txt
	@$(PYTHON3) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("gancore needs Python 3.11 or newer")'
	@echo "Installing into $(VENV) (PyTorch is large: minutes the first time)"
	@$(PYTHON3) -m venv $(VENV)
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

lint: env
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/codespell
	@$(PYTHON) -m scripts.check_words
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

# One thread per worker: two workers with two threads each would wait for one another. A file's tests are one worker's.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n $(WORKERS)

test-slow: env
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n $(WORKERS) -m slow

MINUTES ?= 90

soak: env
	@cd tests && PYTHONPATH=. ../$(PYTHON) -m support.soak $(MINUTES) $(PART)

$(VENV)/.supply: $(STAMP)
	@$(PIP) install --quiet 'setuptools>=77' build twine pip-audit
	@touch $@

supply: $(VENV)/.supply
	@$(PYTHON) -m scripts.supply

demo: env
	$(BIN)/gancore grid run experiments/$(DEMO_NAME).yaml --workers $(WORKERS)
	$(BIN)/gancore grid report runs/$(DEMO_NAME) --open

demo-long: env
	@$(PYTHON) -m scripts.demo

# Which generator trains with which discriminator, as a page of the documentation.
crossing: env
	@cd tests && OMP_NUM_THREADS=1 ../$(PYTHON) -m support.crossing

$(VENV)/.docs: $(STAMP)
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[docs]'
	@touch $@

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# On a machine with a GPU; without one, what the CPU and the device meta can tell. ARGS="--only 1,5-7 --peer KIND=PATH"
gpu-check: env
	@$(PYTHON) -m benchmarks.gpu_check --json gpu-check.json $(ARGS)

format: env
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) build dist site gancore.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
