# Each command sets up what it needs by itself: `make demo`, `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_FLAGS ?=
EXTRAS := serve,train,dev
STAMP := $(VENV)/.set-up
BENCH_STAMP := $(VENV)/.set-up-bench

.PHONY: setup bench demo test lint types

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'Installing into $(VENV): about 1.5 GB the first time, a few minutes.'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[$(EXTRAS)]"
	touch $(STAMP)

# The peers that benchmarks measure beside; one of them is built from source, by a C compiler.
bench: $(BENCH_STAMP)

$(BENCH_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	touch $(BENCH_STAMP)

demo: setup
	$(BIN)/belong demo $(DEMO_FLAGS)

test: setup lint types
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m 'not alone'
	$(BIN)/python -m pytest tests -m alone

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy belong benchmarks data engine serving tests training
