# Everything runs inside .venv, which is made from the hashed locks in requirements/.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup setup-dev demo test check format lock bench quality clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/'

setup: .venv/.runtime ## prepare .venv, so that .venv/bin/portravox runs

setup-dev: .venv/.dev ## the same, with the tools for development

.venv/.python:
	$(PYTHON) -c 'import sys; sys.exit("Portravox needs Python 3.11 or 3.12; set PYTHON=... to choose one") if not (3, 11) <= sys.version_info[:2] <= (3, 12) else None'
	$(PYTHON) -m venv .venv
	touch $@

.venv/.runtime: .venv/.python requirements/lock.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/lock.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.venv/.dev: .venv/.runtime requirements/lock-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/lock-dev.txt
	touch $@

demo: setup ## render a real video and print its path
	$(BIN)/portravox demo -o out/demo.mp4

test: setup-dev ## set up and run all tests
	$(BIN)/python -m pytest

check: setup-dev ## format, lint, types, import contracts and tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

format: setup-dev ## mend what the formatter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-dev ## time and memory, written to out/bench
	$(BIN)/python -m benchmarks.speed -o out/bench

quality: setup-dev ## measures on finished videos and an HTML report, written to out/quality
	$(BIN)/python -m benchmarks.quality -o out/quality

lock: ## make the locks anew (needs uv)
	uv pip compile --quiet --generate-hashes --no-header --python-version 3.11 --override requirements/overrides.txt \
	  --extra demo --extra transcript pyproject.toml requirements/opencv.in requirements/build.in -o requirements/lock.txt
	uv pip compile --quiet --generate-hashes --no-header --python-version 3.11 --override requirements/overrides-dev.txt \
	  --constraint requirements/lock.txt --extra demo --extra transcript --extra dev pyproject.toml requirements/opencv.in requirements/build.in \
	  -o requirements/lock-dev.txt

clean: ## forget .venv and all results
	rm -rf .venv out build *.egg-info
