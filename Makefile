# Everything runs in .venv, made on first use from setup.py and constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
PACKAGES := cosmos_search indexer

.PHONY: demo test check format clean

demo: .venv/installed
	$(BIN)/python -m benchmarks.demo

test: .venv/installed
	$(BIN)/python -m pytest

check: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(PACKAGES)

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/installed: setup.py constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[demo,dev,formats]"
	touch $@

clean:
	rm -rf .venv .demo build dist *.egg-info
