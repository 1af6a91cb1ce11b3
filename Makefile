# Everything happens in .venv, which the first target that needs it makes. `make help` lists the targets.
.DEFAULT_GOAL := help
VENV := .venv
ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := $(VENV)/Scripts
else
PYTHON ?= python3
BIN := $(VENV)/bin
endif
MINUTES ?= 10

# Debian packages: what the programs load, and what the tests drive besides (a real Ardour, JACK, Lua).
RUN_PACKAGES := libportaudio2 libgl1 libglib2.0-0
TEST_PACKAGES := ardour jackd2 xvfb xauth xdotool x11-utils lua5.4 nodejs

# Installs what is missing of $(1) on Debian as root; elsewhere says so in one line and goes on. Debian 13 has
# renamed some libraries to NAMEt64.
define system_packages
@if command -v dpkg-query >/dev/null 2>&1; then \
	missing=; \
	for package in $(1); do \
		dpkg-query -W -f '$${db:Status-Status}\n' $$package $${package}t64 2>/dev/null | grep -qx installed \
			|| missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ]; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
		else \
			echo "Some parts need system packages; install them with: sudo apt install$$missing"; \
		fi; \
	fi; \
fi
endef

.PHONY: help setup system system-test demo test lint format train bench evaluate clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed system ## Install the program into .venv
	@echo "Ready: $(BIN)/drawaudio"

demo: setup ## Render a demonstration: a clip, a prompt, a drawn curve
	$(BIN)/drawaudio demo

test: $(VENV)/.developing system-test ## Run all tests
	$(BIN)/python -m pytest

lint: $(VENV)/.developing ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.developing ## Bring the code into the common form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train: $(VENV)/.developing ## Go on training for MINUTES (10) with the recordings of DRAWAUDIO_DATA
	$(BIN)/drawaudio train all --minutes $(MINUTES)

bench: $(VENV)/.developing ## Measure speed and memory beside other architectures
	$(BIN)/drawaudio bench

evaluate: $(VENV)/.developing ## Measure the weights on the validation set of DRAWAUDIO_DATA
	$(BIN)/drawaudio evaluate

clean: ## Remove .venv and everything that was built
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find engine bridge tests -name __pycache__ -type d -prune -exec rm -rf {} +

system:
	$(call system_packages,$(RUN_PACKAGES))

system-test: system
	$(call system_packages,$(TEST_PACKAGES))

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed; name one with: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: setup.cfg pyproject.toml $(VENV)/.made
	$(BIN)/python -m pip install --quiet -e .
	@touch $@

$(VENV)/.developing: setup.cfg pyproject.toml $(VENV)/.made
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $@ $(VENV)/.installed
