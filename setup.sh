#!/usr/bin/env bash
# Builds the grader's environment when Gradescope builds the image. Runs once, as root, from /autograder/source.
#
# Promises: a virtual environment in /opt/holdout that every user can read, with exactly the versions of constraints.txt
# and the CPU build of torch. The system's python3 and its packages stay as they are: the platform's own runner needs
# them. Running it again starts over. Works on Ubuntu 22.04 (Python 3.10), Debian 12 (3.11) and later, up to Python 3.13.
set -euo pipefail
umask 022

readonly HOME_OF_VENV=/opt/holdout
readonly PYTHON=$HOME_OF_VENV/bin/python
readonly CPU_INDEX=https://download.pytorch.org/whl/cpu
unset CDPATH  # with it, cd could go elsewhere, and would print where
SOURCE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly SOURCE

say() { printf '== %s\n' "$*"; }

fail() {
    printf 'setup.sh: %s\n' "$*" >&2
    exit 1
}

pip_install() {
    # No cache: it would only make the image larger.
    "$PYTHON" -m pip install --no-cache-dir --disable-pip-version-check \
        --progress-bar off --constraint "$SOURCE/constraints.txt" "$@"
}

install_venv_module() {
    export DEBIAN_FRONTEND=noninteractive
    if ! apt-get install --yes --no-install-recommends python3-venv; then
        apt-get update && apt-get install --yes --no-install-recommends python3-venv
    fi
}

say "Looking at the machine"
[[ $EUID -eq 0 ]] || fail "must run as root, as Gradescope does; this is user $(id -un)."
for needed in pyproject.toml constraints.txt harness/__main__.py; do
    [[ -e $SOURCE/$needed ]] || fail "$SOURCE/$needed is missing: upload dist/autograder.zip as the release made it."
done
command -v python3 >/dev/null || fail "there is no python3: choose a base image of Ubuntu 22.04 or later."
python3 -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' ||
    fail "needs Python 3.10 to 3.13, found $(python3 -V): choose a base image of Ubuntu 22.04 or 24.04."

say "Making $HOME_OF_VENV with $(python3 -V)"
# Debian and Ubuntu keep ensurepip in a package of its own; with it in place nothing is installed at all.
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    install_venv_module || fail "apt-get could not install python3-venv: see its messages above, then rebuild the image."
fi
python3 -m venv --clear "$HOME_OF_VENV" || fail "could not make a virtual environment in $HOME_OF_VENV: is the disk full?"

say "Installing pinned packages"
# What the virtual environment begins with differs by Python: these two become the pinned ones first.
pip_install pip setuptools || fail "could not install pip and setuptools: the package index cannot be reached or lacks them."
# The extra index serves torch only: a second place to look would slow every other package and could replace it.
pip_install --no-deps --extra-index-url "$CPU_INDEX" torch ||
    fail "could not install the CPU build of torch pinned in constraints.txt (from $CPU_INDEX)."
# A package that exists only as source is built apart, where --constraint does not reach: with the pinned setuptools, too.
pip_install --build-constraint "$SOURCE/constraints.txt" --group "$SOURCE/pyproject.toml:grader" ||
    fail "could not install the grader's packages (group 'grader' of pyproject.toml, versions of constraints.txt)."
"$PYTHON" -m pip check || fail "the installed packages do not fit together: constraints.txt needs renewing."
chmod -R go+rX "$HOME_OF_VENV" || fail "could not make $HOME_OF_VENV readable for the students' workers."

say "Checking the result as a user without privileges"
# Workers lose root before student code runs; what root alone can read would fail only then.
(cd / && "$PYTHON" -I - <<'CHECK') || fail "the environment does not work for a user without privileges: see above."
import os
os.setgroups([]); os.setgid(65534); os.setuid(65534)
import sys, torch, numpy, pytest, gradescope_utils, timeout_decorator
assert torch.version.cuda is None, "this is a CUDA build of torch: " + torch.__version__
assert torch.ones(2, 2).numpy().sum() == 4.0
print("Python", sys.version.split()[0], "torch", torch.__version__, "numpy", numpy.__version__, "pytest", pytest.__version__)
CHECK

say "Compiling the grader"
# Every grade imports it anew. Compiled once, not each of them compiles it again: a fifth of a second on a slow machine.
"$PYTHON" -m compileall -q --invalidation-mode checked-hash "$SOURCE/harness" ||
    say "Warning: the grader could not be compiled: is $SOURCE writable? Each grade takes a little longer."

say "What isolation holds here"
# A word for the build log only: the machine that builds the image need not be the one that grades, and grading itself
# refuses, as an internal error, where a layer that it must have is missing.
(cd "$SOURCE" && PYTHONDONTWRITEBYTECODE=1 "$PYTHON" -m harness doctor) ||
    say "Warning: where isolation is like this, grading will refuse. See docs/threat-model.md."

say "Done: $(du -sh "$HOME_OF_VENV" | cut -f1) in $HOME_OF_VENV"
