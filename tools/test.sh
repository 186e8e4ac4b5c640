#!/bin/sh
# Every test, by one process more than there are processors, since sandboxes and browsers often wait (3 to 8);
# WORKERS=0 runs them in one process, PYTEST_ARGS passes more options.
set -eu
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" MPLBACKEND=Agg
processors=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
workers=$((processors + 1))
[ "$workers" -ge 3 ] || workers=3
[ "$workers" -le 8 ] || workers=8
exec .venv/bin/python -m pytest -n "${WORKERS:-$workers}" --dist loadgroup --durations 25 ${PYTEST_ARGS:-}
