# The commands of the project; `make help` lists them. Each one sets up .venv when it is missing or out of date.

PYTHON ?= python3
# Options for the program behind a target: make test ARGS="-k reading"
ARGS ?=
# Folder of labelled articles for the benchmarks; without it the project's own are scored.
EVAL ?=

BIN := .venv/bin
SETUP_RUN := .venv/.setup-run
SETUP := .venv/.setup
SETUP_BENCH := .venv/.setup-bench

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-page test test-lowest test-pythons wheels fuzz soak lint format run bench bench-full clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(SETUP) ## make .venv with the package (editable) and its dev group

demo: $(SETUP_RUN) ## group the packaged sample into stories and print them
	@$(BIN)/wirecopy demo

demo-page: $(SETUP_RUN) ## serve the packaged sample on the page and print its address; ARGS="--port 9000"
	@$(BIN)/wirecopy demo --page $(ARGS)

# Most tests wait for processes that they start, so one half of the suite runs beside the other; it is shown at the end.
BESIDE := tests/detector tests/storage tests/web

test: $(SETUP) ## run the test suite; ARGS="-k reading" narrows it
ifdef ARGS
	@$(BIN)/pytest $(ARGS)
else
	@echo "kernels without the compiler" && NUMBA_DISABLE_JIT=1 $(BIN)/pytest tests/detection/kernels --ignore tests/detection/kernels/test_compiling.py
	@mkdir -p build; $(BIN)/pytest $(BESIDE) > build/beside.log 2>&1 & beside=$$!; \
	$(BIN)/pytest $(addprefix --ignore=,$(BESIDE)); first=$$?; \
	wait $$beside; second=$$?; cat build/beside.log; exit $$((first | second))
endif

# Tests of what stands on a library: formats, files, settings, clients, the store, and routes over a real socket. The rest
# of the suite stands on numba and numpy only, whose bounds say what was tried.
LOWEST := tests/schema tests/files tests/cli/test_config.py tests/client/test_push.py tests/storage/test_store.py \
	tests/web/test_articles.py tests/web/test_bulk.py

test-lowest: $(SETUP) ## run what stands on a library with the lowest versions of all dependencies
	@rm -rf build/lowest && $(PYTHON) -m venv build/lowest && build/lowest/bin/pip install -qq uv
	@build/lowest/bin/uv pip compile -q --resolution lowest-direct pyproject.toml -o build/lowest/constraints.txt
	@build/lowest/bin/uv pip install -q -p build/lowest -c build/lowest/constraints.txt -e '.[dev]'
	@echo "with the lowest versions" && build/lowest/bin/python -m pytest $(LOWEST)

# Newer Pythons that this machine has, on the PATH or where pyenv keeps them.
PYTHONS ?= $(shell for version in 3.12 3.13 3.14; do \
	for python in python$$version $$(ls -d $$HOME/.pyenv/versions/$$version.*/bin/python 2>/dev/null); do \
		$$python -c '' 2>/dev/null && { echo $$python; break; }; done; done)

test-pythons: wheels ## install the wheel with each newer Python and run there what the README promises; PYTHONS="..."
	@for python in $(PYTHONS); do echo "an installed wheel, $$python" && $(BIN)/python -m tests.check_install dist $$python || exit 1; done

wheels: $(SETUP) ## build the wheels into dist: one with compiled kernels for this machine and Python, one for all
	@$(BIN)/python deploy/build_wheels.py

fuzz: $(SETUP) ## arbitrary bodies for a minute (SECONDS=600: ten), and long ones; BYTES=10000000 for the longest
	@$(BIN)/python -m tests.fuzz_bodies $(SECONDS)
	@$(BIN)/python -m tests.lengths $(BYTES)

soak: $(SETUP) ## readers, writers, hostile clients and bodies at once for two minutes; ARGS="--minutes 20"
	@$(BIN)/python -m bench.soak $(if $(ARGS),$(ARGS),--minutes 2 --most-p99 300)

lint: $(SETUP) ## check format, style and types
	@echo "ruff format --check" && $(BIN)/ruff format --check .
	@echo "ruff check" && $(BIN)/ruff check .
	@echo "mypy" && $(BIN)/mypy

format: $(SETUP) ## format the code and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

run: $(SETUP_RUN) ## start the service on 127.0.0.1:8080; ARGS="--port 9000"
	@$(BIN)/wirecopy serve $(ARGS)

bench: $(SETUP_BENCH) ## every benchmark at a small size, under ten minutes, results in build/bench; EVAL=folder
	@mkdir -p build/bench
	@for part in kernels batch index memory http recovery; do \
		echo "== $$part" && $(BIN)/python -m bench.$$part --small --output build/bench/$$part.json $(if $(EVAL),--eval $(EVAL)) || exit 1; \
	done
	@$(BIN)/python -m bench.quality --peers none --dated-only $(if $(EVAL),--eval $(EVAL)) $(ARGS)

bench-full: $(SETUP_BENCH) ## the same at full size beside the peers, an hour or two; bench/results, tables and plots made anew
	@for part in kernels batch index memory http recovery; do \
		echo "== $$part" && $(BIN)/python -m bench.$$part --output bench/results/$$part.json $(if $(EVAL),--eval $(EVAL)) || exit 1; \
	done
	@$(BIN)/python -m bench.quality --output bench/results/quality.json $(if $(EVAL),--eval $(EVAL)) $(ARGS)
	@$(BIN)/python -m bench.soak --minutes 20 --output bench/results/soak.json
	@$(BIN)/python -m bench.tables
	@$(BIN)/python -m bench.plots

clean: ## remove .venv and everything that was made
	@rm -rf .venv build dist service/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: made again whenever pyproject.toml is newer. A broken or half-made .venv has no stamp.
$(SETUP_RUN): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "wirecopy needs Python 3.11 or newer; name one with PYTHON=..." >&2; exit 1; }
	@echo "Setting up .venv (first a minute or so, later nothing)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install -qq --no-compile -e . # Python compiles what it reads, when it reads it
	@touch $@

$(SETUP): $(SETUP_RUN)
	@echo "Adding what the tests need"
	@$(BIN)/pip install -qq --no-compile -e '.[dev]'
	@touch $@

$(SETUP_BENCH): $(SETUP)
	@echo "Adding the peers to .venv"
	@$(BIN)/pip install -qq -e '.[dev,bench]'
	@touch $@
