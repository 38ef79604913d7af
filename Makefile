# Everything a developer types. A target makes the environment it needs; a second call starts at once.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON := $(shell cat .python-version)
MODERN_PYTHONS := 3.13 3.12 3.11
ENVIRONMENT := pyproject.toml constraints.txt .python-version tools/uv tools/venv

# Networks of test size are faster on one thread, and every Lava process would start as many more.
demo test test-slow test-modern bench ablation matrix: export OMP_NUM_THREADS ?= 1
# Torch's profiler would announce its stages in between.
bench ablation: export KINETO_LOG_LEVEL ?= 5

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; \
	  do printf '  make %-12s %s\n' "$$name" "$$what"; done
	@echo '  Options of the command go into ARGS:  make test ARGS="tests/graph -x"'

.PHONY: setup
setup: .venv/ready ## Make .venv from constraints.txt, nothing else
	@echo ".venv is ready; .venv/bin/eideploy --help says what it can do"

.PHONY: demo
demo: .venv/ready ## Train, export, deploy to Lava and prove that it is the same network
	.venv/bin/eideploy demo $(ARGS)

.PHONY: test
test: .venv/ready ## Run the tests
	.venv/bin/python -m pytest $(ARGS)

.PHONY: test-slow
test-slow: .venv/ready ## Run the tests that take long
	.venv/bin/python -m pytest -m slow $(ARGS)

.PHONY: test-modern
test-modern: .venv-modern/ready ## Run what needs no Lava on the newest Python found
	.venv-modern/bin/python -m pytest -m "not slow and not lava" $(ARGS)

.PHONY: check
check: .venv/ready ## Lint, check the format and the types
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

.PHONY: format
format: .venv/ready ## Format the code and repair what the linter can
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

.PHONY: bench
bench: .venv/ready ## Print the benchmarks
	.venv/bin/python benchmarks/run.py $(ARGS)

.PHONY: matrix
matrix: .venv/ready ## Run the conformance suite on every target and write the tables in the docs
	.venv/bin/python tests/support/support_matrix.py

.PHONY: ablation
ablation: .venv/ready ## Train MNIST without one part of the method at a time (ARGS="--data-dir DIR")
	.venv/bin/python benchmarks/ablation.py $(ARGS)

.PHONY: docs
docs: .venv/docs-ready ## Build the documentation into build/docs
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

.PHONY: pins
pins: ## Resolve constraints.txt anew
	tools/pin

.PHONY: clean
clean: ## Remove caches and what was built, not the environments
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find eideploy models targets tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## Remove the environments too
	rm -rf .venv .venv-modern .uv

.venv/ready: $(ENVIRONMENT)
	tools/venv .venv lava,onnx,dev $(PYTHON)
	@touch $@

.venv/docs-ready: .venv/ready
	tools/venv .venv docs $(PYTHON)
	@touch $@

.venv-modern/ready: $(ENVIRONMENT)
	tools/venv .venv-modern onnx,dev $(MODERN_PYTHONS)
	@touch $@
