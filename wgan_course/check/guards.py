"""While a function is observed, the package's own implementation of the same thing refuses to be called.

A course that keeps its solutions public would otherwise give full marks for ``return divergences.kl(p, q)``.
The refusal sits in the function's code object, so that aliases and ``from … import`` made earlier refuse as well.
"""

import importlib
import inspect
import logging
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import Any

logger = logging.getLogger(__name__)

_lock = threading.RLock()
_originals: dict[FunctionType, tuple[int, CodeType]] = {}
_calls: list[str] = []


class PackageFunctionCalledError(Exception):
    """The function under observation called what it is meant to implement."""


def resolve(dotted: str) -> Any:
    """Object that a dotted name stands for, such as ``wgan_course.norms.spectral_norm``; ImportError where none."""
    parts = dotted.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        try:
            return _walk(found, parts[cut:])
        except AttributeError:
            break
    raise ImportError(f"nothing in the package is called {dotted!r}")


@contextmanager
def guarded(names: Iterable[str]) -> Iterator[list[str]]:
    """Make the named package functions (or a class's methods) refuse; yields the list of those that were called."""
    functions = [function for name in names for function in _functions(name)]
    with _lock:
        for function in functions:
            _shut(function)
        seen = len(_calls)
    called: list[str] = []
    try:
        yield called
    finally:
        with _lock:
            called.extend(_calls[seen:])
            for function in functions:
                _open(function)
            if not _originals:
                _calls.clear()


def refuse() -> None:
    """Record the call and raise; only the code that stands in for a guarded function calls it."""
    name = sys._getframe(1).f_code.co_name
    _calls.append(name)
    raise PackageFunctionCalledError(f"the package's own {name} refuses while your version of it is being checked")


def _refusing(*args: Any, **kwargs: Any) -> None:
    import sys

    sys.modules["wgan_course.check.guards"].refuse()


def _walk(found: Any, names: list[str]) -> Any:
    for name in names:
        inside = vars(found) if isinstance(found, ModuleType) else {}
        found = inside[name] if name in inside else inspect.getattr_static(found, name)
    return found


def _functions(name: str) -> list[FunctionType]:
    try:
        target = resolve(name)
    except ImportError:
        logger.debug("cannot guard %s: the package has no such function", name)
        return []
    members = list(vars(target).values()) if inspect.isclass(target) else [target]
    unwrapped = [_chain(member) for member in members]
    return [function for chain in unwrapped for function in chain if not function.__code__.co_freevars]


def _chain(member: Any) -> list[FunctionType]:
    """Return the function and all that it wraps."""
    found = []
    member = getattr(member, "__func__", member)
    while isinstance(member, FunctionType) and member not in found:
        found.append(member)
        member = getattr(member, "__wrapped__", None)
    return found


def _shut(function: FunctionType) -> None:
    depth, code = _originals.get(function, (0, function.__code__))
    _originals[function] = (depth + 1, code)
    if depth == 0:
        function.__code__ = _refusing.__code__.replace(co_name=function.__name__)


def _open(function: FunctionType) -> None:
    depth, code = _originals.pop(function)
    if depth > 1:
        _originals[function] = (depth - 1, code)
    else:
        function.__code__ = code
