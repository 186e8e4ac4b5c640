#!/bin/sh
# The library's quick tests on the oldest versions that pyproject.toml allows, in an environment of its own under build/.
set -eu
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" MPLBACKEND=Agg
uv=.venv/bin/uv there=build/oldest
"$uv" venv --quiet --allow-existing --python "${PYTHON:-python3.11}" "$there"
"$uv" pip install --quiet --compile-bytecode --python "$there" --resolution lowest-direct '.[figures,images,test]' 'ipywidgets>=8.1'
exec "$there/bin/python" -m pytest -q -p no:cacheprovider -n "${WORKERS:-2}" --dist loadgroup -m "not slow" \
  ${PYTEST_ARGS:-} tests/constraints tests/data tests/divergences tests/figures tests/measures tests/models tests/norms \
  tests/training tests/transport tests/test_dynamics.py tests/test_objectives.py
