# miniconf: `make run` starts a conference, `make test` checks it. Knobs: PORT, MINICONF_DATA, SAMPLE (see README.md).

.PHONY: run test test-gpu lint lock
.DELETE_ON_ERROR:

# The first of these that is Python 3.11 or newer. PYTHON=... names another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv/bin/python

run: .venv/.installed
	@$(VENV) manage.py up

test: .venv/.installed-dev
	@$(VENV) tests/run.py $(ARGS)

# What only a CUDA device shows; needs torch for CUDA, transformers and pytest, nothing else of the project.
test-gpu:
	@python3 -m pytest -q -c /dev/null --rootdir . --noconftest -p no:cacheprovider -o log_level=INFO tests/gpu

# Only the checks that run nothing: style and types.
lint: .venv/.installed-dev
	@$(VENV) tests/run.py --lint

# Pin the newest versions that requirements*.in allow.
lock: $(VENV)
	@$(VENV) tools/lock.py

$(VENV):
	@test -n "$(PYTHON)" || { echo "miniconf needs Python 3.11 or newer; python3 here is $$(python3 --version 2>&1)."; exit 1; }
	@echo "Creating .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "No environment could be made: on Debian, install python3-venv."; exit 1; }

.venv/.installed: requirements.lock | $(VENV)
	@echo "Installing what requirements.lock pins (the first time this loads torch, which is large)"
	@$(VENV) -m pip install --disable-pip-version-check --no-warn-script-location -r requirements.lock
	@touch $@

.venv/.installed-dev: requirements-dev.lock requirements.lock | $(VENV)
	@echo "Installing what requirements-dev.lock pins"
	@$(VENV) -m pip install --disable-pip-version-check --no-warn-script-location -r requirements-dev.lock
	@# torch for CUDA brings its own; with torch for a CPU the kernel is tested by Triton's interpreter.
	@$(VENV) -c 'import triton' 2>/dev/null || $(VENV) -m pip install --disable-pip-version-check triton==3.9.0 || \
		echo "No Triton for this machine: the tests of its kernel are skipped."
	@touch .venv/.installed $@
