# Two commands on a fresh machine with Python 3.11+ and make: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo test lint types contracts unit wheel matrix prove docs record-own record-real bench clean

help:
	@echo "make demo    record, replay and judge a small suite on this machine, without a key"
	@echo "make test    lint, types, import contracts, tests with branch coverage, the wheel, every SDK generation"
	@echo "make docs    the generated parts of README.md and docs/, from the tables in the code"
	@echo "make prove   the large proofs, whole, with the tables that the docs quote"
	@echo "make bench   timings beside the peers"

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/pytest-messages demo

test: lint types contracts unit wheel matrix

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports --no-cache

unit: $(STAMP)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

wheel: $(STAMP)
	$(BIN)/python tests/wheel/check_wheel.py

matrix: $(STAMP)
	$(BIN)/python tests/matrix/run_matrix.py

prove: $(STAMP)
	$(BIN)/python -m tests.prove

docs: $(STAMP)
	$(BIN)/python docs/generate.py
	$(BIN)/python tests/judge/test_judge_docs.py

record-own: $(STAMP)
	$(BIN)/python cassettes/record.py

record-real: $(STAMP)
	$(BIN)/python cassettes/record_real.py

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) .venv-* dist build .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
