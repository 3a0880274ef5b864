# Two commands do it all from a fresh clone: `make run` and `make test`.
# The environment lives in .venv, made from pinned, hashed versions on a Python from 3.12 to 3.14.

PLAN ?= quickstart
SLOW ?= slow
CANDIDATES := $(FORECAST_PYTHON) python3.13 python3.12 python3.14 python3 python \
	$(wildcard $(HOME)/.pyenv/versions/3.13*/bin/python $(HOME)/.pyenv/versions/3.12*/bin/python \
	$(HOME)/.pyenv/versions/3.14*/bin/python)
SUITABLE := import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))
IN := .venv/bin
COMPILE := uv pip compile pyproject.toml --universal --python-version 3.12 --generate-hashes --no-annotate --no-header --quiet
without = $(shell sed -n 's/^\([A-Za-z0-9._-]*\)==.*/--no-emit-package \1/p' $(1))

BASE ?= HEAD~1

.PHONY: run test recover cases mutants check bench bench-core bench-fits docs lock clean

run: .venv/.run  ## fit, project, report, print the headlines
	@$(IN)/forecast run $(PLAN)

test: .venv/.test  ## all fast tests, with the coverage gate (three minutes)
	@$(IN)/python -m tests.tools.run_all

recover: .venv/.test  ## the slow tests: whole plans in real processes, recovery of known parameters, killed clusters and schedules (a quarter of an hour)
	@$(IN)/python -m pytest -q -n 2 --dist loadfile -m "$(SLOW)"

cases: .venv/.test  ## the faults that users reported, each with the verdict of its tests
	@$(IN)/python -m tests.tools.case_verdicts

mutants: .venv/.test  ## break rules of the simulation one by one, and list what notices (an hour)
	@$(IN)/python -m tests.tools.mutants

check: .venv/.test  ## linter, formatter, types, layers, and the inputs of this workspace
	@$(IN)/ruff check .
	@$(IN)/ruff format --check .
	@$(IN)/mypy
	@$(IN)/lint-imports
	@$(IN)/forecast check

bench: .venv/.test  ## measure simulation, fits and commands, as ratios (half an hour)
	@$(IN)/python benchmarks/tagged.py
	@$(IN)/python benchmarks/core.py
	@$(IN)/python benchmarks/limit.py
	@$(IN)/python benchmarks/commands.py
	@$(IN)/python benchmarks/fits.py

bench-core: .venv/.test  ## compare the simulator with the one of the commit BASE, in turns, and print the speed-up
	@$(IN)/python benchmarks/core_speedup.py $(BASE)

bench-fits: .venv/.test  ## compare the fits with those of the commit BASE, in turns: effective draws, and time to a passed gate
	@$(IN)/python benchmarks/fits_speedup.py $(BASE)

docs: .venv/.docs  ## the reference pages from the code, and the site, in site/
	@$(IN)/python -m tests.tools.generate_reference
	@$(IN)/zensical build --clean --strict

.venv/.run: requirements.txt pyproject.toml
	@python=$$(for p in $(CANDIDATES); do \
		if "$$p" -c '$(SUITABLE)' >/dev/null 2>&1; then echo "$$p"; break; fi; done); \
	if [ -z "$$python" ]; then \
		echo "No Python from 3.12 to 3.14 was found. Install one, or name it: make run FORECAST_PYTHON=/path/to/python" >&2; \
		exit 1; \
	fi; \
	[ -x $(IN)/python ] && $(IN)/python -c '$(SUITABLE)' 2>/dev/null || \
		{ echo "making .venv with $$("$$python" --version)"; rm -rf .venv; "$$python" -m venv .venv; }
	@echo "installing the pinned packages (about a minute)"
	@$(IN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	@$(IN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.test: .venv/.run requirements-test.txt
	@echo "installing what the tests need"
	@$(IN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-test.txt
	@touch $@

.venv/.docs: .venv/.test requirements-docs.txt
	@echo "installing what the documentation needs"
	@$(IN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-docs.txt
	@touch $@

lock:  ## pin anew what pyproject.toml asks for; each file holds only what the one before lacks; needs uv
	$(COMPILE) --extra score --extra serve --group build --output-file requirements.txt
	$(COMPILE) --extra score --extra serve --group build --group test --constraint requirements.txt \
		$(call without,requirements.txt) --output-file requirements-test.txt
	$(COMPILE) --extra score --extra serve --group build --group docs --constraint requirements.txt --constraint requirements-test.txt \
		$(call without,requirements.txt requirements-test.txt) --output-file requirements-docs.txt

clean:  ## remove the environment and the built site; fits, runs and reports stay
	rm -rf .venv site
