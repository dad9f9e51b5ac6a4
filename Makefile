# Everything stays inside this folder: packages in .venv, compiled programs and fonts in .venv/cache.
# What is used from outside is a Python >= 3.12, and pip's own cache of downloads.

VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help run test test-slow perf lint docs clean constraints

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# What is published, in results/ and reports/, stays as it is: here everything is trained anew.
run: export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/$(VENV)/cache/xla
run: $(VENV)/installed ## train the suite `quick` (5 minutes on 2 cores) and show its table and figures
	$(BIN)/memorax-bench run suite=quick --results build/results
	$(BIN)/memorax-bench report suite=quick --results build/results --reports build/reports

# pytest-benchmark measures nothing under xdist, so its tests run before the others, alone.
test: lint ## lint, then every test that takes seconds
	$(BIN)/pytest -q tests/perf -m 'not slow'
	$(BIN)/pytest -q -n $(WORKERS) -m 'not slow' --durations=10 --ignore=tests/perf

test-slow: $(VENV)/installed-dev ## the tests that train, or start many processes
	$(BIN)/pytest -q -n $(WORKERS) -m slow --durations=10

perf: $(VENV)/installed-dev ## time the library on this machine, which should do nothing else; PERF="-k gradient" a part
	$(BIN)/pytest -q tests/perf/test_speed.py --benchmark-autosave --benchmark-columns=min,median,iqr,rounds $(PERF)

lint: $(VENV)/installed-dev ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

docs: $(VENV)/installed-dev ## the documentation site, build/docs/index.html
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs

clean: ## remove .venv, caches and build outputs; results and reports stay
	rm -rf $(VENV) .asv .benchmarks .hypothesis .pytest_cache .ruff_cache build dist

# Installation. Another project's packages on PYTHONPATH would be imported in place of the pinned ones.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
export MPLCONFIGDIR := $(CURDIR)/$(VENV)/cache/matplotlib

# twice quiet: what went wrong, not what was looked at
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check install
# a path, or one line that says what is missing; looked for at most once, and only to make an environment
FOUND = $(eval FOUND := $(shell PYTHON='$(PYTHON)' tools/find-python))$(FOUND)
# an installation that was interrupted has left its mark: its environment is made anew
USABLE = $(shell { test ! -e $(VENV)/installing && $(BIN)/python -c '$(CHECK)'; } 2>/dev/null)
CHECK := import pip, sys; print(sys.version_info >= (3, 12))

define install
	$(if $(filter True,$(USABLE)),,$(if $(filter /%,$(FOUND)),,$(error $(FOUND))))
	@$(if $(filter True,$(USABLE)),,echo "making $(VENV) with $(FOUND)"; $(FOUND) -m venv --clear $(VENV))
	@rm -f $(VENV)/installed $(VENV)/installed-dev && touch $(VENV)/installing
	@echo "installing $(1) and the packages of constraints.txt into $(VENV) (a minute or two, once) ..."
	@$(PIP) -c constraints.txt -e '$(1)'
	@touch $(2) && rm $(VENV)/installing
endef

$(VENV)/installed: pyproject.toml constraints.txt
	$(call install,.,$@)

$(VENV)/installed-dev: pyproject.toml constraints.txt
	$(call install,.[dev],$@ $(VENV)/installed)

# From a fresh environment, so that nothing that happens to be in .venv is pinned.
constraints: $(VENV)/installed-dev ## renew the pins in constraints.txt; run the tests afterwards
	$(BIN)/python -m venv --clear $(VENV)/fresh
	$(VENV)/fresh/bin/python -m pip -qq install -e '.[dev]'
	head -n 1 constraints.txt > $(VENV)/fresh/pins
	$(VENV)/fresh/bin/python -m pip freeze --exclude-editable | LC_ALL=C sort -f >> $(VENV)/fresh/pins
	mv $(VENV)/fresh/pins constraints.txt
	rm -rf $(VENV)/fresh
