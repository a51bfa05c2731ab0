# `make demo` and `make test` do all the set-up themselves; they need Python 3.11 or newer, git and make.
.DEFAULT_GOAL := help
.PHONY: help demo test soak check synth bench docs setup lock clean

# An exported VIRTUAL_ENV or PYTHONPATH of the caller must not leak into this checkout's own environment.
unexport VIRTUAL_ENV
unexport PYTHONPATH

VENV := $(abspath $(or $(UV_PROJECT_ENVIRONMENT),.venv))
READY := $(VENV)/.ready
CHECKOV := $(VENV)-checkov
EVIDENTLY := $(VENV)-evidently
SDK := $(VENV)-sdk
GROOVY := $(VENV)-groovy
PYTHON := $(or $(PYTHON),$(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done))
UV := $(or $(shell command -v uv),$(abspath .uv/bin/uv))

# Everything below runs from the environment: its python, its node, its cdk.
export PATH := $(VENV)/bin:$(PATH)
export UV_PYTHON_DOWNLOADS := never
export UV_COMPILE_BYTECODE := 1
# As pip does: behind a company proxy, the certificate to trust is one of the machine's.
export UV_SYSTEM_CERTS := 1

# One process more than there are cores, because the longest tests wait as much as they work: for what bakes, for a
# port, for a process to be up. Each may have a sandbox or two beside it, so there is a limit.
SPREAD = --numprocesses $(shell $(PYTHON) -c 'import os; print(min(os.cpu_count() or 1, 4) + 1)') \
	--dist loadfile --no-loadscope-reorder

help:
	@echo "make demo    run the whole loop on this machine: deploy, train, approve, release, invoke"
	@echo "make test    run the tests"
	@echo "make soak    run the long studies that the tests show in small"
	@echo "make check   format, lint, types, templates"
	@echo "make synth   write the churn project's cloud assembly to cdk.out"
	@echo "make bench   measure what is meant to be fast, beside a peer in the same run"
	@echo "make docs    write the pages of docs/ that are made from code and tests"
	@echo "make lock    resolve the dependencies anew into requirements.lock"
	@echo "make clean   remove the environment and everything that was generated"

demo: $(READY)
	SAGEWRIGHT_SETUP_SECONDS=$$(cat $(READY)) sagewright demo $(ARGS)

test: $(READY)
	pytest $(SPREAD) $(ARGS)

soak: $(READY)
	pytest $(SPREAD) -m soak $(ARGS)

check: $(READY) $(CHECKOV)/.ready $(GROOVY)/.ready
	ruff format --check
	ruff check
	pyrefly check
	pyrefly check --python-version 3.12
	python tests/templates --checkov $(CHECKOV)/bin/checkov
	pytest -q tests/delivery_elsewhere/groovy_lint.py

synth: $(READY)
	cd sagewright/seed_code/churn && cdk synth --quiet --output $(CURDIR)/cdk.out

bench: $(READY) $(EVIDENTLY)/.ready $(SDK)/.ready
	python benchmarks/synth.py
	python benchmarks/drift.py --evidently $(EVIDENTLY)/bin/python
	python benchmarks/ingest.py --sdk $(SDK)/bin/python

docs: $(READY)
	python -m sagewright.project
	python tests/documents

setup: $(READY)

$(READY): requirements.lock pyproject.toml | $(UV)
	@echo "Setting up $(VENV): about 370 MB to download once, 1.6 GB on disk."
	@mkdir -p $(VENV) && date +%s > $@.started
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	$(UV) pip sync --require-hashes --build-constraints requirements.lock --require-build-hashes \
		--python $(VENV)/bin/python requirements.lock
	$(UV) pip install --quiet --no-build-isolation --no-deps --python $(VENV)/bin/python --editable .
	@$(VENV)/bin/python -m compileall -q sagewright
	@echo $$(($$(date +%s) - $$(cat $@.started))) > $@ # the seconds it took, for the demo's report

# Beside the other environment, because it pins a boto3 of its own.
$(CHECKOV)/.ready: requirements-checkov.lock | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(CHECKOV)
	$(UV) pip sync --require-hashes --python $(CHECKOV)/bin/python requirements-checkov.lock
	@touch $@

# Likewise: a peer that is only measured, in `make bench`, with newer packages than the managed image holds.
$(EVIDENTLY)/.ready: requirements-evidently.lock | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(EVIDENTLY)
	$(UV) pip sync --require-hashes --python $(EVIDENTLY)/bin/python requirements-evidently.lock
	@touch $@

# SageMaker's own SDK, another peer: it brings what it needs for models and agents along, 730 MB of it.
$(SDK)/.ready: requirements-sdk.lock | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(SDK)
	$(UV) pip sync --require-hashes --python $(SDK)/bin/python requirements-sdk.lock
	@touch $@

# What lints the Jenkinsfiles that we write, by the environment's own Node; it runs on Java 17 or newer.
$(GROOVY)/.ready: tests/delivery_elsewhere/package-lock.json tests/delivery_elsewhere/package.json | $(READY)
	@mkdir -p $(GROOVY)
	@cp tests/delivery_elsewhere/package.json tests/delivery_elsewhere/package-lock.json $(GROOVY)
	npm ci --ignore-scripts --no-audit --no-fund --loglevel error --prefix $(GROOVY)
	@touch $@

# uv is one of the locked packages: where the machine has none, exactly that one comes into .uv.
$(abspath .uv/bin/uv):
	@test -n "$(PYTHON)" || { echo "Sagewright needs Python 3.11 or newer: install it, or say which with PYTHON=/path/to/python." >&2; exit 1; }
	$(PYTHON) -m venv .uv || { echo "Python's venv module is missing: install it (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	awk '/^uv==/ {on = 1} on {print} on && !/\\$$/ {exit}' requirements.lock > .uv/requirements.txt
	.uv/bin/python -m pip install --disable-pip-version-check --require-hashes -r .uv/requirements.txt

lock: | $(UV)
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade --group build --group dev \
		--custom-compile-command "make lock" --output-file requirements.lock pyproject.toml
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade --group checkov \
		--custom-compile-command "make lock" --output-file requirements-checkov.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade --group evidently \
		--custom-compile-command "make lock" --output-file requirements-evidently.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade --group sdk \
		--custom-compile-command "make lock" --output-file requirements-sdk.lock

clean:
	rm -rf $(VENV) $(CHECKOV) $(EVIDENTLY) $(SDK) $(GROOVY) .uv out cdk.out
