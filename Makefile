# The two commands of the README, and what they stand on. Both build what they need in .venv, once.
#
#   make demo     generate with the bundled demo model
#   make test     formatting, lint, types, tests
#   make bench    side by side with llama.cpp in a memory limit: minutes, and 17 GB of disk
#   make release  everything of a release for this system, into dist/: see packaging/README.md
#   make format   rewrite the sources as the formatter wants them
#   make clean    remove everything these commands made
#
# Needed beforehand: Python 3.11 or newer, and a C and C++ compiler (llama.cpp is compiled on the first install).

PYTHON ?= python3
PROMPT ?= Tell me a story about a fox and a lamp

VENV := .venv
BIN := $(VENV)/bin
PROJECT := pyproject.toml setup.py

.PHONY: demo test bench release format clean qt-libraries
.DELETE_ON_ERROR:

demo: $(VENV)/.installed-core
	$(BIN)/offload generate "$(PROMPT)"

# All checks run, whatever the first ones say; pytest comes last, so that its summary closes the output.
test: $(VENV)/.installed-dev qt-libraries
	@failed=0; \
	echo "ruff format --check" && $(BIN)/ruff format --check . || failed=1; \
	echo "ruff check" && $(BIN)/ruff check . || failed=1; \
	echo "mypy" && $(BIN)/mypy || failed=1; \
	echo "pytest" && QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest || failed=1; \
	exit $$failed

bench: $(VENV)/.installed-dev
	PYTHONPATH=tests $(BIN)/python -m bench $(BENCH)

release:
	PYTHON=$(PYTHON) packaging/build.sh

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

qt-libraries: $(VENV)/.installed-dev
	@packaging/qt_system_libraries.sh $(BIN)/python

$(BIN)/python:
	packaging/create_venv.sh $(VENV) $(PYTHON)

# Stamps: a second run installs nothing, unless the list of requirements changed.
$(VENV)/.installed-core: $(PROJECT) | $(BIN)/python
	packaging/install.sh $(BIN)/python '.[hub]'
	@touch $@

$(VENV)/.installed-dev: $(PROJECT) | $(BIN)/python
	packaging/install.sh $(BIN)/python '.[hub,app,dev]'
	@touch $@ $(VENV)/.installed-core
