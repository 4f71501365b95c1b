# The two commands that matter: `make release` and `make test`. Both start from a fresh clone with Python, make and git.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/installed
# The CPU build of torch: a tenth of the CUDA build's size. Only this one package is looked up on PyTorch's own index.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
# Tests start thousands of processes, which write no compiled modules: without these, each would compile its own.
COMPILE := $(BIN)/python -m compileall -q harness

# What the caller gives is data: names of uploads are chosen by students and by browsers. `value` keeps make from expanding
# a `$(shell ...)` in them, the recipes read them from the environment, and the quotes keep the shell from reading them.
override UPLOAD := $(value UPLOAD)
override KEY    := $(value KEY)
override DATA   := $(value DATA)
override HOTFIX := $(value HOTFIX)
override DRY    := $(value DRY)
override PRESET := $(value PRESET)
override PROFILE := $(value PROFILE)
override TRAINED       := $(value TRAINED)
override STUDENTS_TOO  := $(value STUDENTS_TOO)
export UPLOAD KEY DATA HOTFIX DRY PRESET PROFILE TRAINED STUDENTS_TOO

.PHONY: help release status archive test nightly lint template reference grade container-test container-test-all judge bench clean

help:
	@echo "make release         everything a term needs, in dist/ (KEY=file for a term's secret key,"
	@echo "                     PROFILE=name of another course in profiles/,"
	@echo "                     PRESET=full, TRAINED=folder of the reference's upload, trained elsewhere,"
	@echo "                     HOTFIX=dist to mend graded tests alone, STUDENTS_TOO=yes to let it change more,"
	@echo "                     DRY=yes to write nothing)"
	@echo "make status          which release is live, and what has changed since"
	@echo "make archive         keep the live release in releases/ (the next release does so, too)"
	@echo "make test            install and run the tests"
	@echo "make nightly         the tests that take minutes and rarely fail"
	@echo "make lint            ruff and mypy"
	@echo "make template        write student_template/ anew from reference_solution/"
	@echo "make reference       train the reference (build/reference_upload/)"
	@echo "make grade UPLOAD=x  grade a folder or zip with the data of the release in dist/ (or of DATA=folder)"
	@echo "make container-test  the released autograder inside a container like Gradescope's"
	@echo "make container-test-all  the same, and every attack of tests/hostile in it"
	@echo "make judge           hours of it: every small change to the reference, and 200 seeds of everything right"
	@echo "make bench           measure isolation and training beside their peers"

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt pip
	$(BIN)/python -m pip install --quiet --no-deps -c constraints.txt --extra-index-url "$(TORCH_INDEX)" torch
	$(BIN)/python -m pip install --quiet -c constraints.txt --build-constraint constraints.txt --group development
	chmod -R go+rX $(VENV)  # workers lose root; a umask of 077 would close the packages to them
	touch $(STAMP)

release: $(STAMP)
	@for given in "$$DRY" "$$STUDENTS_TOO"; do case "$$given" in ""|yes) ;; \
		*) echo "error: DRY and STUDENTS_TOO are yes, or are left away" >&2; exit 2;; esac; done
	$(BIN)/python build.py release $${KEY:+--key-file="$$KEY"} $${DATA:+--data="$$DATA"} \
		$${PRESET:+--preset="$$PRESET"} $${PROFILE:+--profile="$$PROFILE"} $${TRAINED:+--trained="$$TRAINED"} \
		$${HOTFIX:+--hotfix="$$HOTFIX"} $${STUDENTS_TOO:+--students-too} $${DRY:+--dry-run}

status: $(STAMP)
	$(BIN)/python build.py status

archive: $(STAMP)
	$(BIN)/python build.py archive

test: $(STAMP)
	$(COMPILE)
	$(BIN)/python -m pytest -n auto --dist worksteal

nightly: $(STAMP)
	$(COMPILE)
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy

template: $(STAMP)
	$(BIN)/python build.py template

reference: $(STAMP)
	$(BIN)/python -m harness.release.training

grade: $(STAMP)
	$(BIN)/python -m harness grade $${DATA:+--data="$$DATA"} -- "$$UPLOAD"

container-test: $(STAMP)
	$(BIN)/python -m pytest tests/container --container

container-test-all: $(STAMP)
	$(BIN)/python -m pytest tests/container --container --all-attacks

judge: $(STAMP)
	$(BIN)/python -m tests.judging.sweep
	TQDM_DISABLE=1 $(BIN)/python -m tests.judging.seeds --seeds 200 --jobs 2
	TQDM_DISABLE=1 $(BIN)/python -m tests.judging.seeds --seeds 200 --jobs 2 --power --nearest

bench: $(STAMP)
	for script in benchmarks/*.py; do $(BIN)/python "$$script" || exit 1; done

clean:  # dist/ and releases/ stay: a term runs on what lies there
	rm -rf build
