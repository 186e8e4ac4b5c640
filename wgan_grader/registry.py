"""Where the problems are: ``ps01.kl`` is `PROBLEM` in ``wgan_grader/problems/ps01/kl.py``."""

import difflib
import importlib
import importlib.util
import pkgutil
import re

from . import problems
from .problem import Problem

_KEY = re.compile(r"[^\W_]\w*\.[^\W_]\w*")


class UnknownProblemError(LookupError):
    """No problem has this key; the message names the nearest ones."""


def keys(problem_set: str = "") -> list[str]:
    """All keys, or those of one problem set such as ``"ps01"``, in alphabetical order."""
    folders = [module.name for module in pkgutil.iter_modules(problems.__path__) if module.ispkg]
    chosen = [name for name in folders if problem_set in ("", name)]
    return sorted(f"{folder}.{name}" for folder in chosen for name in _names(folder))


def find(key: str) -> Problem:
    """Problem of this key; UnknownProblemError, naming the nearest keys, where there is none."""
    if not (isinstance(key, str) and _KEY.fullmatch(key) and _is_there(key)):
        known = keys()
        near = difflib.get_close_matches(str(key), known, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"The first of {len(known)} keys is {known[:1]}."
        raise UnknownProblemError(f"there is no graded function called {key!r}. {hint}")
    return importlib.import_module(f"{problems.__name__}.{key}").PROBLEM


def _is_there(key: str) -> bool:
    try:
        return importlib.util.find_spec(f"{problems.__name__}.{key}") is not None
    except ModuleNotFoundError:
        return False


def _names(folder: str) -> list[str]:
    package = importlib.import_module(f"{problems.__name__}.{folder}")
    return [module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_")]
