# Everything runs in .venv, made from requirements.lock on first use. `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2

FUZZ_COUNT ?= 50000
FUZZ_SEED ?= 1
FUZZ_KEEP ?= fuzz-findings

DEMO_OUT ?= demo-run
DEMO_RECIPES := float32,float16,w8_dynamic,w8a8_static,prune80_w8a8_static,w8a8_qat
DEMO_EPOCHS ?= 6
DEMO_EFFORT ?= 1

PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Hundreds of processes import edgetool in a run of the tests: each would compile it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo test quick fuzz lint docs lock clean

help:
	@echo "make demo    train, compress, measure, report and embed the document's CNN on scikit-learn's digits"
	@echo "make test    lint, type-check and run every test but those of make extended"
	@echo "make quick   the tests that are not marked slow"
	@echo "make extended  the tests that train the largest models and add breadth alone, once a week in CI"
	@echo "make fuzz    damaged files through every parser, FUZZ_COUNT of them from FUZZ_SEED on"
	@echo "make lint    ruff and mypy"
	@echo "make docs    build the documentation into site/; a warning is an error"
	@echo "make lock    resolve pyproject.toml into requirements.lock again"

install: $(STAMP)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	  || { echo "edgetool needs Python 3.11 to 3.13; run: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv --help >/dev/null 2>&1 && $(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -y -q python3-venv; } \
	  || { echo "python3-venv is missing; run: sudo apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMP): requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)
	@rm -rf $(DEMO_OUT) $(DEMO_OUT)-model $(DEMO_OUT)-bundle
	$(BIN)/edgetool train document-cnn --data digits --epochs $(DEMO_EPOCHS) -o $(DEMO_OUT)-model
	$(BIN)/edgetool compress $(DEMO_OUT)-model/model.keras --data digits --recipe $(DEMO_RECIPES) \
	  --effort $(DEMO_EFFORT) --bench-seconds 1 -o $(DEMO_OUT)
	$(BIN)/edgetool embed $(DEMO_OUT) --artifact prune80_w8a8_static.tflite --runtime array --name document_cnn -o $(DEMO_OUT)-bundle
	@echo "report: $(DEMO_OUT)/report.html"

test: lint
	$(PYTEST) -m "not extended"

quick: $(STAMP)
	$(PYTEST) -m "not slow and not extended"

extended: $(STAMP)
	$(PYTEST) -m extended

fuzz: $(STAMP)
	$(BIN)/python tests/fuzz/run.py --count $(FUZZ_COUNT) --seed $(FUZZ_SEED) --keep $(FUZZ_KEEP)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/.docs: pyproject.toml $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[docs]'
	@touch $@

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

lock: $(STAMP)
	$(BIN)/python -m piptools compile --quiet --all-build-deps --extra dev --generate-hashes --allow-unsafe \
	  --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header \
	  --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) $(DEMO_OUT) $(DEMO_OUT)-model $(DEMO_OUT)-bundle site .mypy_cache .ruff_cache .pytest_cache
