# Everything runs inside .venv, which is made from the hashed locks in requirements/.
BIN := .venv/bin

# Some systems set this for all programs, containers among them. Then each process of tests and
# servers would compile some 700 modules from their source: half the time of its start (measured).
unexport PYTHONDONTWRITEBYTECODE

# The newest Python that runs, can make environments and is new enough; PYTHON=... chooses another.
FITS := import ensurepip, sys, venv; sys.exit(sys.version_info[:2] < (3, 11))
CHOSEN = for each in $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3); do \
	  $$each -c '$(FITS)' 2>/dev/null && python=$$each && break; done; \
	test -n "$$python" || { echo "Portravox needs Python 3.11 or newer, with its module venv (Debian: apt-get install python3-venv); PYTHON=... names one" >&2; exit 1; }

.PHONY: help setup setup-dev demo test test-clients browser test-page check-page page-report page-pictures faults fuzz check format lock bench load live breakages long-video manifests soak quality sheets docs doc-pictures articulation-model articulation-model-all articulation-model-permissive equality agents wheels sbom release clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/'

setup: .venv/.runtime ## prepare .venv, so that .venv/bin/portravox runs

setup-dev: .venv/.dev ## the same, with the tools for development

.venv/.python:
	@$(CHOSEN); echo "environment for $$($$python --version) in .venv"; $$python -m venv .venv
	touch $@

# The models need nothing that is installed: they come meanwhile; where that fails, the command says why.
# Only what is used is compiled to bytecode, now, as who installs: that saves 94 MB of 888 (measured).
.venv/.runtime: .venv/.python requirements/lock.txt pyproject.toml
	$(BIN)/python -c "from portravox.model_files.fetch import fetch_missing as fetch; fetch()" 2>/dev/null & fetching=$$!; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements/lock.txt && { wait $$fetching || true; }
	$(BIN)/python -c "import portravox.engines.embedded, portravox.media.encode, portravox.service.app" & importing=$$!; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . && wait $$importing
	$(BIN)/python -c "from portravox.model_files.store import missing_files; raise SystemExit(bool(missing_files()))" || $(BIN)/portravox models fetch
	touch $@

.venv/.dev: .venv/.runtime requirements/lock-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/lock-dev.txt
	touch $@

demo: setup ## render a real video and print its path
	$(BIN)/portravox demo -o out/demo.mp4

# Many tests wait, for servers above all: two beside each other take half the time. The files of one
# subject stay together, since they share what they set up.
BESIDE ?= 2
# The page's tests run apart: the browser's driver keeps an event loop open while it lives.
TEST := $(BIN)/python -m pytest --numprocesses $(BESIDE) --dist loadfile
TEST_PAGE := $(BIN)/python -m pytest tests/studio/browser --numprocesses $(BESIDE) --dist loadfile

test: setup-dev ## set up and run all tests; of those of the page, where there is a Chromium, the quick ones
	$(TEST)
	$(TEST_PAGE) -m "not thorough"

# ROUNDS of each kill, as far as MINUTES go; the other faults take two minutes more.
ROUNDS ?= 20
faults: MINUTES ?= 28

faults: setup-dev ## break the service at every step, in half an hour, written to out/faults (as root: disks, too)
	PORTRAVOX_FAULT_ROUNDS=$(ROUNDS) PORTRAVOX_FAULT_MINUTES=$(MINUTES) PORTRAVOX_FAULTS_OUT=out/faults \
	  $(BIN)/python -m pytest tests/faults

fuzz: setup-dev ## 100,000 broken requests, 5,000 odd frames of HTTP, 200,000 lines of a worker, as many of live sessions and 100,000 messages to them, 20,000 broken files, signed videos among them, 2,400 odd ones compared with other readers, costly ones, in 15 minutes, written to out/fuzz (Debian: apt-get install sox ffmpeg imagemagick)
	PORTRAVOX_FUZZ_BODIES=100000 PORTRAVOX_FUZZ_MEDIA=20000 PORTRAVOX_FUZZ_READERS=2400 PORTRAVOX_FUZZ_OUT=out/fuzz \
	  $(BIN)/python -m pytest tests/fuzz -o faulthandler_timeout=3600

# What runs on Windows: all but the server.
ON_WINDOWS = $(filter-out portravox/service portravox/__pycache__,$(patsubst %/,%,$(wildcard portravox/*/)) $(wildcard portravox/*.py))

check: setup-dev check-page ## format, lint, types, import contracts and tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin -p portravox
	$(BIN)/mypy --platform win32 --follow-imports=silent $(ON_WINDOWS)
	$(BIN)/lint-imports
	$(TEST)
	$(TEST_PAGE) -m "not thorough"

check-page: node_modules/.ready ## lint and types of the studio's page (needs npm)
	npm run --silent check

node_modules/.ready: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error --fetch-retries=5
	touch $@

test-clients: setup-dev ## drive the service with the older line of the dashscope package, too
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target out/dashscope-1.25 'dashscope==1.25.16'
	PORTRAVOX_DASHSCOPE=out/dashscope-1.25 $(BIN)/python -m pytest tests/end_to_end/test_dashscope.py

manifests: setup-dev ## hold deploy/kubernetes to Kubernetes' own schemas, of three versions (100 MB, into out)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target out/kubernetes-validate 'kubernetes-validate==1.37.0'
	PORTRAVOX_KUBERNETES_SCHEMAS=out/kubernetes-validate $(BIN)/python -m pytest tests/handbook/test_deploy_cluster.py

browser: ## install Chromium and Firefox, which look at the page, where there are none
	sh tests/studio/browser/install.sh

test-page: setup-dev browser ## all tests of the studio, in headless Chromium, the walk in Firefox, too
	$(TEST_PAGE)

page-report: setup-dev browser ## how soon a video plays in the studio, how heavy it is; written to out/page
	$(BIN)/python -m benchmarks.page.report -o out/page

page-pictures: setup-dev browser ## the pictures of docs/studio.md (needs fonts for Chinese)
	$(BIN)/python -m benchmarks.page.pictures -o docs/images/studio

format: setup-dev ## mend what the formatter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-dev ## time and memory, written to out/bench
	$(BIN)/python -m benchmarks.speed -o out/bench

load: setup-dev ## what the service bears, in 2 minutes, written to out/load (Debian: apt-get install wrk)
	$(BIN)/python -m benchmarks.load -o out/load

live: setup-dev ## delays, likeness and cost of live sessions, also over WebSockets, in 8 minutes, written to out/live
	$(BIN)/python -m benchmarks.live -o out/live

soak: MINUTES ?= 60
soak: setup-dev ## an hour of mixed requests and renders (MINUTES=...): memory, descriptors and threads against limits, written to out/soak
	$(BIN)/python -m benchmarks.soak -o out/soak --minutes $(MINUTES)

cluster: setup-dev ## many worker processes around a PostgreSQL that dies and comes back, in 10 minutes, written to out/cluster (Debian: apt-get install postgresql)
	$(BIN)/python -m benchmarks.cluster.campaign -o out/cluster

# The version to be replaced while clients go on: the one before the newest migration.
BEFORE ?= $(shell git log -1 --format=%H -- portravox/service/tasks/postgres_migrations/versions)^
breakages: setup-dev ## servers and workers on hosts of their own, killed, cut off, without database or store, replaced by a new version, in half an hour, written to out/breakages (as root; Debian: .ci/run names the packages, and faketime)
	$(BIN)/python -m benchmarks.cluster.breakages -o out/breakages --before $(BEFORE)

long-video: setup-dev ## a video of 3 minutes by one worker and by two of one core each, in 5 minutes, written to out/cluster-parts (Debian: apt-get install postgresql)
	$(BIN)/python -m benchmarks.cluster.parts -o out/cluster-parts

quality: setup-dev ## measures on finished videos and an HTML report, written to out/quality
	$(BIN)/python -m benchmarks.quality -o out/quality

sheets: setup-dev ## contact sheets of poses and videos to look at, written to out/sheets
	$(BIN)/python -m benchmarks.sheets -o out/sheets

docs: setup-dev ## this documentation as a site, written to out/handbook/site; any warning fails
	$(BIN)/python -m handbook.site

doc-pictures: setup-dev ## the site's clips, pictures and drawings anew, into docs/images
	$(BIN)/python -m handbook.pictures
	$(BIN)/python -m handbook.drawings

# The articulation model: synthesis, training, measuring. LICENCES=permissive leaves out the voices
# under the GPL. TORCH may name a CPU build of PyTorch (a file or an address), which is smaller.
LICENCES ?= all
TORCH ?= torch==2.13.0
TRAIN := .venv-training/bin/python
MODEL := build/articulation-model-$(LICENCES)

# Mandarin by people: syllables.tar and words.tar, as training/mandarin.py says.
MANDARIN ?= ../shared/corpora/mandarin
FIRST := training/first_generation.onnx
THIRD := training/third_generation.onnx

articulation-model: .venv-training/.ready setup-dev ## train the articulation model, in half an hour; goes on where it stopped
	sh training/install.sh
	$(MAKE) articulation-model-$(LICENCES)
	$(BIN)/python -m benchmarks.articulation -o $(MODEL)/measured
	$(TRAIN) -m training.card $(MODEL)/run --corpus $(MODEL)/corpus --results $(MODEL)/measured/results.json

# It goes on from the kept weights of the third generation; the first one lays the sounds of people's
# recordings and teaches (decisions 58, 76 and 85).
articulation-model-all:
	$(TRAIN) -m training.corpus --out $(MODEL)/corpus --hours 4 --only '[efw]*'
	$(BIN)/python -m training.real_speech --out $(MODEL)/corpus --mandarin $(MANDARIN) --network $(FIRST)
	$(TRAIN) -m training.features $(MODEL)/corpus $(MODEL)/features
	$(TRAIN) -m training.fit $(MODEL)/features --out $(MODEL)/run --start $(THIRD) --teacher $(FIRST) \
	  --steps 1200 --rate 5e-4 --rows 256 --seed 6 --threads 1
	$(TRAIN) -m training.export $(MODEL)/run --licences all

# From nothing: the first generation has heard voices under the GPL, and people's recordings are CC BY-SA.
articulation-model-permissive:
	$(TRAIN) -m training.corpus --out $(MODEL)/corpus --licences permissive
	$(TRAIN) -m training.features $(MODEL)/corpus $(MODEL)/features
	$(TRAIN) -m training.fit $(MODEL)/features --out $(MODEL)/first
	$(TRAIN) -m training.fit $(MODEL)/features --out $(MODEL)/run \
	  --start $(MODEL)/first/state.pt --steps 1500 --rate 1.2e-3 --seed 2
	$(TRAIN) -m training.export $(MODEL)/run --licences permissive

.venv-training/.ready: requirements/lock-training.txt
	@$(CHOSEN); $$python -m venv .venv-training
	$(TRAIN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/lock-training.txt
	$(TRAIN) -m pip install --quiet --disable-pip-version-check --no-deps '$(TORCH)'
	touch $@

# MediaPipe exists for Python 3.11 and 3.12 only, and not together with numpy 2. Coroutines are no
# part of it: pytest there lacks what one of our settings is for, and would stop for a warning.
REFERENCE := .venv-reference/bin/python

equality: .venv-reference/.ready ## compare the networks with MediaPipe itself, on every sample (Python 3.11 or 3.12)
	$(REFERENCE) -m pytest -W ignore::pytest.PytestConfigWarning tests/face/test_equality.py
	$(REFERENCE) -m tests.face.record_mediapipe
	git diff --stat tests/face

.venv-reference/.ready: requirements/lock-reference.txt
	@for each in $(or $(PYTHON),python3.12 python3.11); do \
	  $$each -c '$(FITS)' 2>/dev/null && python=$$each && break; done; \
	test -n "$$python" || { echo "MediaPipe needs Python 3.11 or 3.12; PYTHON=... names one" >&2; exit 1; }; \
	$$python -m venv .venv-reference
	$(REFERENCE) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/lock-reference.txt
	$(REFERENCE) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

AGENTS := .venv-agents/bin/python

agents: .venv-agents/.ready ## the adapters for LiveKit Agents and Pipecat, with the packages themselves (800 MB of their own)
	$(AGENTS) -m pytest -W "ignore:'audioop' is deprecated:DeprecationWarning" tests/integrations --confcutdir=tests/integrations

.venv-agents/.ready: requirements/lock-agents.txt
	@$(CHOSEN); $$python -m venv .venv-agents
	$(AGENTS) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/lock-agents.txt
	$(AGENTS) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# For every Python from 3.11 on and every system in one file each, by markers; of each package as
# few versions as will do.
COMPILE := uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --python-version 3.11
EVERYWHERE := $(COMPILE) --universal --fork-strategy fewest
PARTS := --extra client --extra service --extra cluster --extra transcript --extra c2pa pyproject.toml requirements/build.in

lock: ## make the locks anew (needs uv)
	$(EVERYWHERE) $(PARTS) -o requirements/lock.txt
	$(EVERYWHERE) --constraint requirements/lock.txt --extra docs --extra dev $(PARTS) -o requirements/lock-dev.txt
	$(COMPILE) --override requirements/overrides-reference.txt \
	  pyproject.toml requirements/reference.in requirements/build.in -o requirements/lock-reference.txt
	$(COMPILE) requirements/training.in -o requirements/lock-training.txt
	$(EVERYWHERE) --extra livekit --extra pipecat pyproject.toml requirements/agents.in requirements/build.in -o requirements/lock-agents.txt

wheels: setup-dev ## whether the lock can be installed without a compiler on each Python and system that we name (3.7 GB pass through)
	$(BIN)/python -m benchmarks.wheels

sbom: setup-dev ## the bill of materials and docs/licences.md, after `make lock`
	$(BIN)/python -m release.sbom

release: setup-dev ## wheel and source of the last commit, built twice, checked in an empty environment, into dist
	$(BIN)/python -m release.build -o dist

clean: ## forget .venv and all results
	rm -rf .venv .venv-reference .venv-training out build dist *.egg-info
