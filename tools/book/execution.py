"""Runs the pages that have to run, several at once, before Sphinx reads them one after the other.

What ran without error goes into the cache that Sphinx takes its outputs from. A page that fails is left to Sphinx,
which runs it again and says what is wrong with it.
"""

import logging
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wgan_course.figures import narrow

__all__ = ["kernel_environment", "run_ahead"]

MOST_AT_ONCE = 4
WORTH_A_FORK = 3  # pages; the process that is forked takes as long to start as the imports of one
# Figures go into the page, whatever backend the person at the keyboard likes; one thread each, since pages run at once.
KERNEL = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "OMP_NUM_THREADS": "1", narrow.SWITCH: "1"}
_log = logging.getLogger(__name__)


@contextmanager
def kernel_environment() -> Iterator[None]:
    """Set the environment variables that the pages' kernels shall find, and put the old ones back.

    Yields
    ------
    None
    """
    before = {name: os.environ.get(name) for name in KERNEL}
    os.environ.update(KERNEL)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({name: value} if value is not None else {})


def run_ahead(app: Any, env: Any, docnames: list[str]) -> None:
    """Run the pages among some that are not in the cache, several at once (an event handler of Sphinx).

    Parameters
    ----------
    app : Sphinx
    env : BuildEnvironment
    docnames : list of str
        Pages that are about to be read.
    """
    from jupyter_cache import get_cache

    if env.mystnb_config.execution_mode == "off":
        return
    cache = get_cache(env.mystnb_config.execution_cache_path)
    waiting = [found for name in docnames if (found := _uncached(cache, env, name))]
    how = _forked() if len(waiting) >= WORTH_A_FORK else {}
    with ThreadPoolExecutor(min(MOST_AT_ONCE, max(2, os.cpu_count() or 1))) as pool:
        runs = [pool.submit(_run, path, notebook, env.mystnb_config, how) for path, notebook, _ in waiting]
        for (path, _, read_data), run in zip(waiting, runs, strict=True):
            _keep(cache, path, read_data, run.result())


def _uncached(cache: Any, env: Any, docname: str) -> tuple[Path, Any, dict[str, Any] | None] | None:
    """A page with code that the cache does not know: its file, its notebook, and how it is read."""
    from myst_nb.core.read import create_nb_reader

    path = Path(env.doc2path(docname))
    content = path.read_text(encoding="utf-8")
    reader = create_nb_reader(str(path), env.myst_config, env.mystnb_config, content)
    if reader is None:
        return None
    notebook = reader.read(content)
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return path, notebook, reader.read_fmt
    return None


def _forked() -> dict[str, Any]:
    """How pages run whose kernels are forks; in the usual way where forks of such a process are not safe."""
    if sys.platform != "linux":
        return {}
    from tools.book.forks import ForkedKernelManager

    return {"kernel_manager_class": ForkedKernelManager}


def _run(path: Path, notebook: Any, settings: Any, how: dict[str, Any]) -> Any:
    from jupyter_cache.executors.utils import single_nb_execution

    result = single_nb_execution(
        notebook, str(path.parent), settings.execution_timeout, allow_errors=False, meta_override=True, **how
    )
    _log.info("%s/%s took %.1f s", path.parent.name, path.name, result.time)
    return result


def _keep(cache: Any, path: Path, read_data: dict[str, Any] | None, result: Any) -> None:
    from jupyter_cache.base import CacheBundleIn

    if result.err is not None:
        return
    how = {"read_data": read_data} if read_data else {}
    record = cache.add_nb_to_project(str(path), **how)
    bundle = CacheBundleIn(result.nb, record.uri, data={"execution_seconds": result.time})
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
