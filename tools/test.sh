#!/bin/sh
# Every test, one a processor at a time (2 to 8); WORKERS=0 runs them in one process, PYTEST_ARGS passes more options.
set -eu
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" MPLBACKEND=Agg
processors=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
[ "$processors" -ge 2 ] || processors=2
[ "$processors" -le 8 ] || processors=8
exec .venv/bin/python -m pytest -n "${WORKERS:-$processors}" --dist loadgroup --durations 25 ${PYTEST_ARGS:-}
