# Bare `make` prints the targets. Everything runs in .venv, which the first call sets up from requirements.txt.

PYTHON ?= python3
# Address of PyTorch's package index for the CPU build, as pytorch.org/get-started prints it; empty: the usual build.
TORCH_INDEX ?=
GIGABYTES_NEEDED := $(if $(TORCH_INDEX),3,9)

# What uv, where there is one (it takes half the time), or else pip installs.
FROM_REQUIREMENTS = --no-deps $(if $(TORCH_INDEX),--extra-index-url "$(TORCH_INDEX)") --requirement $(VENV)/requirements.txt
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/set-up-done
# Setting up uses a Python outside .venv, which may be broken.
OUTER_PATH := $(PATH)
# What `make doctor` looks at for `dvc` typed by hand.
export STRATA_TYPED_PATH := $(PATH)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# With it, Python would not look for stages/ and strata/ here.
unexport PYTHONSAFEPATH

# A .venv that lost its Python or its packages (after a system upgrade, say) is set up again. One that was moved works only
# through make: its scripts and its activation contain the path where it was set up.
FINDS_DVC := 'import importlib.util, sys; sys.exit(importlib.util.find_spec("dvc") is None)'
$(shell test ! -e $(READY) || $(PY) -c $(FINDS_DVC) 2> /dev/null || rm -f $(READY))
$(shell test ! -s $(READY) || test "$$(cat $(READY))" = "$$(pwd -P)" || \
  echo "note: this folder was moved after .venv was set up: make works, but activating .venv does not; to fix that: make clean-venv repro" >&2)

# Without Git these fail, and should not do so only after the set-up.
NEED_GIT := repro plan doctor layers experiments compare verify

.DEFAULT_GOAL := help
.PHONY: help repro plan doctor layers experiments compare export verify test browser check bench profile scale coverage kills fuzz portable-check format requirements deps gallery notebook clean-venv

help: ## print this
	@echo "usage: make TARGET [PYTHON=python3.12] [TORCH_INDEX=address]"
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 16

repro: $(READY) ## set up if needed, then bring the data, model, activations, maps and report up to date
	@$(PY) -m strata.commands.doctor --then-repro
	@echo "The report: reports/index.html"

plan: $(READY) ## what a run needs: memory, disk and points of every stage; says now what would not fit, or fail late
	@$(PY) -m dvc repro -q download
	@$(PY) -m strata.commands.plan.main

doctor: $(READY) ## mend what a full disk or a power cut left in .dvc, and say what else keeps DVC or a stage from working here
	@$(PY) -m strata.commands.doctor

layers: $(READY) ## propose layers that suit the network of params.yaml, to paste there
	@$(PY) -m dvc repro --quiet download
	@$(PY) -m strata.commands.layers

experiments: $(READY) ## one line per experiment, with its changes and results: make experiments [ALL=1 for all commits]
	@$(PY) -m strata.commands.experiments $(if $(ALL),--all-commits)

compare: $(READY) ## two runs side by side: make compare A=<experiment or revision> B=<another, or workspace> [MORE="C D" for their measures]
	@test -n "$(A)" && test -n "$(B)" || { echo "usage: make compare A=<experiment or revision> B=<another, or workspace>" >&2; exit 1; }
	@$(PY) -m strata.commands.compare "$(A)" "$(B)" $(foreach run,$(MORE),"$(run)") --out reports/compare.html

export: $(READY) ## write exports/ for TensorBoard, Embedding Atlas, NumPy and FiftyOne: make export [LAYERS="h4 h5"]
	@$(PY) -m strata.commands.export.main --out exports $(if $(LAYERS),--layers $(foreach layer,$(LAYERS),"$(layer)"))

verify: $(READY) ## recompute the committed state in another folder and compare every artifact: make verify [REV=revision]
	@$(PY) -m strata.commands.verify --rev "$(or $(REV),HEAD)"

test: $(READY) ## set up if needed, then run every test
	@$(PY) -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

browser: $(READY) ## install Chromium for the page's tests, unless there is one
	@command -v chromium || command -v chromium-browser || command -v google-chrome || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null; \
	  else \
	    $(PY) -m playwright install chromium; \
	  fi

check: $(READY) ## what CI runs: format, lint, types, then the tests
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(MAKE) --no-print-directory test

bench: $(READY) ## measure speed and memory, for benchmarks/results.md: make bench [MIRROR=folder of Fashion-MNIST ALL=1]
	@$(PY) -m benchmarks.run --out benchmarks $(if $(MIRROR),--mirror "$(MIRROR)") $(if $(ALL),--all-images)

profile: $(READY) ## where the default run's time goes, for benchmarks/profile.md: imports, starts of processes, work, writing
	@$(PY) -m benchmarks.stage_profile --out benchmarks

scale: $(READY) ## what a million images would cost, for benchmarks/scale.md: make scale (ten minutes)
	@$(PY) -m benchmarks.scale --out benchmarks

coverage: $(READY) ## do 95% intervals hold 95% of the time? On synthetic data, for docs/coverage.md: make coverage [REPEATS=200]
	@$(PY) -m benchmarks.coverage --out docs --repeats "$(or $(REPEATS),200)"

kills: $(READY) ## kill stages and experiments, fill the disk, damage DVC's files, and check that all is repaired: make kills [KILLS=60]
	@$(PY) -m benchmarks.kills --kills $(or $(KILLS),60)
	@$(PY) -m benchmarks.dvc_faults

fuzz: $(READY) ## feed damaged bytes to every file reader, guided by coverage: make fuzz [MINUTES=3 per reader]
	@$(PY) -c 'import atheris' 2> /dev/null || $(PY) -m pip install --quiet atheris==3.0.0
	@$(PY) -m fuzz.run --minutes "$(or $(MINUTES),3)"

portable-check: $(READY) ## check `reproducible: portable` on an emulated Haswell; takes half an hour or more, and needs Debian's qemu-user
	@$(PY) -m benchmarks.portable_check

format: $(READY) ## format the code and fix what the linter can
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

requirements: $(READY) ## update requirements.txt from pyproject.toml, for every platform
	@$(PY) -m uv pip compile pyproject.toml --extra dvc --extra dev --universal --python-version 3.11 --fork-strategy fewest \
	  --upgrade --no-annotate --no-emit-index-url --custom-compile-command "make requirements" --output-file requirements.txt

deps: $(READY) ## update what is generated from the code: the deps and plots of dvc.yaml, and docs/measures.md
	@$(PY) -m tools.stage_packages
	@$(PY) -m tools.measure_documents

gallery: $(READY) ## the page of this run as docs/gallery/, and pictures in docs/images/: make gallery [COMPARE=reports/compare.html for that page's]
	@$(PY) -m tools.gallery $(if $(COMPARE),--compare "$(COMPARE)")

notebook: $(READY) ## generate docs/guided_exercise.ipynb from docs/guided_exercise.py
	@$(PY) -m tools.notebook

clean-venv: ## remove .venv
	@rm -rf $(VENV)

$(READY): requirements.txt
	@PATH='$(OUTER_PATH)' $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: Strata needs Python 3.11 or newer, and $(PYTHON) is older or missing;" \
	    "name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@PATH='$(OUTER_PATH)' $(PYTHON) -m strata.commands.place $(if $(filter $(NEED_GIT),$(MAKECMDGOALS)),--needs-git)
	@test -x $(PY) || test "$$(df -Pk . | awk 'NR == 2 { print int($$4 / 1048576) }')" -ge $(GIGABYTES_NEEDED) || { \
	  echo "error: setting up needs $(GIGABYTES_NEEDED) GB of free disk here; PyTorch's CPU build needs less:" \
	    "see 'Smaller set-up' in README.md" >&2; exit 1; }
	@echo "Setting up $(VENV), once; this takes some minutes ..."
	@PATH='$(OUTER_PATH)' $(PYTHON) -m venv --clear $(VENV)
	@grep -vE '$(if $(TORCH_INDEX),^(nvidia-|cuda-|triton),^$$)' requirements.txt > $(VENV)/requirements.txt
	@{ PATH='$(OUTER_PATH)'; command -v uv > /dev/null && uv pip install --quiet --python $(PY) $(FROM_REQUIREMENTS); } || \
	  $(PY) -m pip install --quiet $(FROM_REQUIREMENTS)
	@$(PY) -m pip check
	@$(PY) -m strata.maps.engines  # compiles the t-SNE engine, once for a user and version
	@pwd -P > $(READY)
	@test ! requirements.txt -nt $(READY) || touch -r requirements.txt $(READY)  # by another clock; else set up every time
