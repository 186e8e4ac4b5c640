#!/bin/sh
# Makes .venv from requirements.lock, hashes checked, and puts the package in it. Run by make when a lock has changed.
set -eu
PYTHON="${PYTHON:-python3}"

say() { printf '%s\n' "$*" >&2; }

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
  say "The course needs Python 3.11 or later; '$PYTHON' is $("$PYTHON" --version 2>&1 || echo missing)."
  say "On Debian: apt-get install python3 python3-venv.  Elsewhere: make PYTHON=/path/to/python3.11 ..."
  exit 1
}
"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || {
  say "This Python cannot make virtual environments: its module 'ensurepip' is missing."
  say "On Debian and Ubuntu: apt-get install python3-venv   (then run the same command again)"
  exit 1
}

[ -x .venv/bin/python ] || { say "Making .venv with $("$PYTHON" --version)"; "$PYTHON" -m venv .venv; }
pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }

say "Installing what requirements.lock names (about 5 GB the first time, most of it torch)"
# Compiled once here, and not by each of the many processes that the tests and sandboxes start.
if pip install --quiet --require-hashes -r requirements-uv.lock &&
  .venv/bin/uv pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes -r requirements.lock; then :; else
  say "uv could not do it; taking pip, which is slower"
  pip install --quiet --require-hashes -r requirements.lock
fi
pip install --quiet --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
touch .venv/.ready
