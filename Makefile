# make demo   a small StyleGAN2 on the embedded emoji, from nothing but Python and make (DEMO=smoke: under 90 s)
# make test   everything that must hold before a change goes in: lint, types, rooms, tests
#
# The environment in .venv is made when it is first needed, and again when the dependencies change.

PYTHON3 ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
STAMP := $(VENV)/.complete
PIP := $(PYTHON) -m pip --disable-pip-version-check

DEMO ?= full
WORKERS ?= 2

.PHONY: env test test-slow lint demo crossing format clean

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
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

# One thread per worker: two workers with two threads each would wait for one another.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n $(WORKERS)

test-slow: env
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n $(WORKERS) -m slow

demo: env
	@$(PYTHON) -m scripts.demo $(DEMO)

# Which generator trains with which discriminator, as a page of the documentation.
crossing: env
	@cd tests && OMP_NUM_THREADS=1 ../$(PYTHON) -m crossing

format: env
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) build dist gancore.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
