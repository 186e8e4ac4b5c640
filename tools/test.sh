#!/bin/sh
# Every test, two at a time by default; WORKERS=0 runs them in one process, PYTEST_ARGS passes more options.
set -eu
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" MPLBACKEND=Agg
exec .venv/bin/python -m pytest -n "${WORKERS:-2}" --dist loadgroup --durations 15 ${PYTEST_ARGS:-}
