# make demo and make test set up what they need; as root on Debian nothing has to be there but Python 3.11, git and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo test lint bench fuzz check clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' Makefile

setup: ## make .venv and install a container engine's programs
	@$(PYTHON) -m tests.engine.setup

demo: setup ## migrate a copy of samples/href-counter and show the result
	@$(BIN)/python -m tests.engine.demo

test: setup ## run the whole test suite, engine tests included
	@$(BIN)/pytest -n 2 --dist worksteal

lint: setup ## run the static checks
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --strict migrate tests
	@$(BIN)/lint-imports

bench: setup ## measure how long the static phases take, the comparison of two large images, verifying, and divided builders
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench.proof
	@$(BIN)/python -m tests.bench.compare
	@$(BIN)/python -m tests.bench.verify
	@$(BIN)/python -m tests.bench.split

fuzz: setup ## hold the trace to bash on generated scripts, the proof to mutants and an engine's word, verifying to kills and both builders
	@MS_FUZZ=5000 $(BIN)/pytest -n 2 tests/trace/test_ways.py tests/trace/test_words.py tests/trace/test_host_files.py
	@MS_FUZZ=240 $(BIN)/pytest -n 2 tests/proof/test_mutants.py tests/proof/test_mutants_engine.py tests/proof/test_pairs.py tests/proof/test_pairs_engine.py
	@MS_FUZZ=40 $(BIN)/pytest -n 2 tests/test_samples.py tests/test_migration.py tests/test_written.py tests/test_split.py tests/test_noise_samples.py tests/engine_room

check: lint test ## run the static checks and the tests

clean: ## remove .venv and everything that can be made again
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
