# Every target sets up what it needs; nothing but Python (3.11 or later) and make is assumed.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: check test lint diagrams bench clean

check: .venv/ready
	$(BIN)/qmodel races --trace B01

test: .venv/ready lint
	$(BIN)/pytest

lint: .venv/ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: .venv/ready
	$(BIN)/python -m tests.bench.speed

diagrams: .venv/ready
	$(BIN)/qmodel diagram --all --out diagrams

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv build dist *.egg-info
