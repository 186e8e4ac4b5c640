"""The half of a check that meets the student's code: call it, copy what comes back, survive whatever it does.

An *observer* is a function ``observer(function, inputs, options) -> dict of plain arrays``. `call` serves nearly every
problem; `options` (JSON, from the case) tell it what else to look at:

===============  =====================================================================================================
option           what it does
===============  =====================================================================================================
``framework``    ``"torch"`` (the default) or ``"numpy"``: what the array inputs are handed over as
``outputs``      names for the parts of a returned tuple; without it there is one output, ``"value"``
``gradients``    names of inputs (or of a module's tensors): also returns ``"gradient:NAME"``, of the first output's sum
``after``        names of inputs (or of a module's tensors): also returns ``"after:NAME"``, their value after the call
``modules``      ``{"critic": [["linear", "w0", "b0"], ["tanh"], …]}``: builds a module from the inputs ``critic.w0``,
                 … and hands it over as one argument in their place; see `build_module`
``evaluate_at``  name of an input that is not handed over: the function's result is itself called on it
===============  =====================================================================================================
"""

import copy
import ctypes
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import TextIOBase
from typing import Any

import numpy as np
import torch

from . import guards, world
from .exchange import MAX_ELEMENTS, MAX_TEXT, Observation, Request, Sample

IMPORTS = 60.0  # seconds that a function's imports may take beyond its limit
BUDGET = 3.0  # a whole check may take so many times the limit of one case
_TENSORS = (torch.Tensor, torch.nn.Parameter)
_SCALARS = {bool: np.bool_, int: np.int64, float: np.float64}
_NUMPY = {np.dtype(kind).type for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "?")}
_NO_GRADIENT = {
    "second time": "its graph is gone, because your function has gone back through it already: backward(), or "
    "autograd.grad without retain_graph=True",
    "modified by an inplace operation": "a tensor that the gradient needs was changed in place after it was used",
    "derivative for": "a step of your function cannot be differentiated twice",
    "does not require grad": "nothing that it was computed from requires a gradient",
}
_ACTIVATIONS = {
    "relu": torch.nn.ReLU,
    "tanh": torch.nn.Tanh,
    "sigmoid": torch.nn.Sigmoid,
    "softplus": torch.nn.Softplus,
}


class TimeLimitError(BaseException):
    """Raised inside the student's function when its time is up; no ``except Exception`` swallows it."""


class UnusableError(Exception):
    """The function returned what cannot be turned into a plain array."""


def observe_all(function: Any, request: Request) -> tuple[Observation, ...]:
    """Observe `function` on every sample of the request, under its guards and within its time; never raises."""
    from .reference import Sealed, is_stub

    if type(function) is Sealed or function is None or is_stub(function):
        return _everywhere(request, "not-attempted")
    if not callable(function):
        return _everywhere(request, "unusable", f"a function was expected, got {type(function).__name__}")
    guards.resolve(request.observer)  # what it imports is not the student's time
    end = time.monotonic() + BUDGET * request.limit
    found = []
    for sample in request.samples:
        begun = time.monotonic()
        found.append(_observe_within(function, request, sample, end))
        end += max(0.0, time.monotonic() - begun - request.limit)  # only imports take longer than the limit
    return tuple(found)


def call(function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Call `function` on the inputs, in order; see the module's table of options.

    Raises
    ------
    UnusableError
        Where the result is no number, tensor, array, or list of numbers.
    """
    values = {name: _hand_over(name, value, options) for name, value in inputs.items()}
    wanted = {name: values[name].requires_grad_(True) for name in options.get("gradients", ())}
    result = function(*_arguments(values, options))
    if "evaluate_at" in options:
        result = _evaluate(result, values[options["evaluate_at"]])
    names = options.get("outputs", ["value"])
    parts = _parts(result, names)
    outputs = {name: plain(part) for name, part in zip(names, parts, strict=True)} | gradients(parts[0], wanted)
    return outputs | {f"after:{name}": plain(values[name]) for name in options.get("after", ())}


def plain(value: Any) -> np.ndarray:
    """Copy a number, tensor, array or (nested) list of them into a fresh plain array; UnusableError for all else.

    Only exact types are taken: a subclass can answer its own questions about shape and equality.
    """
    kind = type(value)
    if value is None:
        raise UnusableError("it returned None: is the return statement missing?")
    if kind in _TENSORS:
        return _from_tensor(value)
    if kind in _SCALARS:
        return _limited(np.array(value, dtype=_SCALARS[kind]))
    if kind is np.ndarray or kind in _NUMPY:
        return _limited(_simple(np.array(value)))
    if kind in (list, tuple):
        return _from_list(value)
    raise UnusableError(f"it returned an object of type {kind.__name__}; return a number or a tensor")


def build_module(layers: list[list[str]], tensors: Mapping[str, torch.nn.Parameter]) -> torch.nn.Module:
    """Sequential module from ``[["linear", weight name, bias name], ["tanh"], …]``, holding these very parameters.

    They stay the caller's, so that their gradients, and what the student's function does to them, can be seen.
    """
    modules = [_linear(tensors, *names) if kind == "linear" else _ACTIVATIONS[kind]() for kind, *names in layers]
    return torch.nn.Sequential(*modules)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeLimitError` in the block after `seconds`; in the main thread of a Unix system only, else no limit.

    An import is not interrupted, for that would leave a broken module behind; after it the time begins anew. The first
    use of ``torch.func``, say, imports for some seconds.
    """
    if not _can_alarm():
        yield
        return
    last, imported = time.monotonic() + seconds + IMPORTS, False

    def stop(number: int, frame: Any) -> None:
        nonlocal imported
        if time.monotonic() < last and _importing(frame):
            imported = True
        elif imported:
            imported = False
            signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)
        else:
            raise TimeLimitError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _importing(frame: Any) -> bool:
    """Whether what the frame belongs to executes an import; what has called this module does not count."""
    importer = "<frozen importlib._bootstrap>"
    while frame is not None and frame.f_code.co_filename not in (importer, __file__):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename == importer


def words(error: BaseException) -> str:
    """Text of an error, or as much of it as is fit to show: making it runs the code of whoever raised it."""
    try:
        return str(error)[:MAX_TEXT]
    except BaseException:
        return "(its message cannot be shown)"


class _Nowhere(TextIOBase):
    """Where a function's prints go while it is observed."""

    def write(self, text: str) -> int:
        return len(text)


def _everywhere(request: Request, status: str, error: str = "") -> tuple[Observation, ...]:
    return tuple(Observation(sample.name, status, error=error) for sample in request.samples)


def _observe_within(function: Any, request: Request, sample: Sample, end: float) -> Observation:
    seconds = min(request.limit, end - time.monotonic())
    if seconds <= 0:
        return Observation(sample.name, "timeout", error="no time was left for this case")
    return _observe_one(function, request, sample, seconds)


def _observe_one(function: Any, request: Request, sample: Sample, seconds: float) -> Observation:
    observer, called = guards.resolve(request.observer), []
    run = _run_here if _can_alarm() else _run_in_thread
    try:
        with guards.guarded(request.guards) as called, _quiet(), world.kept():
            outputs = run(lambda: _watched(observer, function, sample), seconds)
    except BaseException as error:
        return _refused(sample, called) if called else _failed(sample, error, seconds)
    if called:
        return _refused(sample, called)
    changes, trouble = tuple(outputs.pop("changes")), outputs.pop("trouble", "")
    return Observation(sample.name, "ok", outputs, trouble, changes)


def _watched(observer: Callable[..., Any], function: Any, sample: Sample) -> dict[str, Any]:
    """Outputs of the observer, with what the function left changed; settings are put back in the thread that ran it."""
    watched = world.Watched(function, sample.inputs, sample.options)
    with world.kept() as changed:
        outputs = dict(observer(watched, sample.inputs, sample.options))
        changes = watched.changes()
    return outputs | {"changes": [*changes, *changed]}


def _run_here(work: Callable[[], Any], seconds: float) -> Any:
    with time_limit(seconds):
        return work()


def _run_in_thread(work: Callable[[], Any], seconds: float) -> Any:
    """Where no alarm can be set: wait for a thread as long as the limit, then tell it to stop and leave it behind."""
    results: list[Any] = []
    errors: list[BaseException] = []

    def collect() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeLimitError))
        raise TimeLimitError
    return results[0]


def _failed(sample: Sample, error: BaseException, seconds: float) -> Observation:
    if isinstance(error, TimeLimitError):
        return _too_long(sample, seconds)
    if isinstance(error, NotImplementedError):
        return Observation(sample.name, "not-attempted")
    if isinstance(error, UnusableError):
        return Observation(sample.name, "unusable", error=words(error))
    return Observation(sample.name, "error", error=f"{type(error).__name__}: {words(error)}")


def _too_long(sample: Sample, seconds: float) -> Observation:
    return Observation(sample.name, "timeout", error=f"it was still running after {seconds:.1f} s")


def _refused(sample: Sample, called: list[str]) -> Observation:
    name = called[0]
    return Observation(sample.name, "refused", error=f"it calls the package's own {name}: write it yourself")


@contextmanager
def _quiet() -> Iterator[None]:
    with redirect_stdout(_Nowhere()), redirect_stderr(_Nowhere()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _can_alarm() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


def _hand_over(name: str, value: Any, options: Mapping[str, Any]) -> Any:
    """Return a fresh copy of an input, as the function is to get it."""
    if not isinstance(value, np.ndarray):
        return copy.deepcopy(value)
    if options.get("framework") == "numpy":
        return np.array(value)
    tensor = torch.from_numpy(np.array(value))
    return torch.nn.Parameter(tensor) if name.split(".", maxsplit=1)[0] in options.get("modules", ()) else tensor


def _arguments(values: Mapping[str, Any], options: Mapping[str, Any]) -> list[Any]:
    """Values in the order of the inputs, each module in the place of the first of its tensors."""
    modules = options.get("modules", {})
    arguments: dict[str, Any] = {}
    for name, value in values.items():
        owner = name.split(".")[0]
        if name == options.get("evaluate_at") or owner in arguments:
            continue
        arguments[owner] = build_module(modules[owner], _owned(values, owner)) if owner in modules else value
    return list(arguments.values())


def _owned(values: Mapping[str, Any], owner: str) -> dict[str, torch.nn.Parameter]:
    return {name.split(".")[1]: value for name, value in values.items() if name.startswith(f"{owner}.")}


def _linear(tensors: Mapping[str, torch.nn.Parameter], weight: str, bias: str) -> torch.nn.Linear:
    outputs, inputs = tensors[weight].shape
    layer = torch.nn.Linear(inputs, outputs, device="meta")
    for name, tensor in (("weight", tensors[weight]), ("bias", tensors[bias])):
        setattr(layer, name, tensor)
    return layer


def _evaluate(result: Any, points: Any) -> Any:
    if not callable(result):
        raise UnusableError(f"it must return a function, it returned {type(result).__name__}")
    return result(points)


def _parts(result: Any, names: list[str]) -> list[Any]:
    if len(names) == 1:
        return [result]
    if type(result) not in (tuple, list) or len(result) != len(names):
        raise UnusableError(f"it must return {len(names)} values: {', '.join(names)}")
    return list(result)


def gradients(value: Any, wanted: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """Gradient of the sum of `value` for each wanted tensor that it reaches, or as ``trouble`` why there is none."""
    open_ones = {name: tensor for name, tensor in wanted.items() if tensor.requires_grad}
    if not open_ones or type(value) not in _TENSORS or not value.requires_grad:
        return {}
    try:
        with torch.enable_grad():
            found = torch.autograd.grad(value.sum(), list(open_ones.values()), allow_unused=True)
    except RuntimeError as error:
        return {"trouble": _why_no_gradient(words(error))}
    named = zip(open_ones, found, strict=True)
    return {f"gradient:{name}": plain(gradient) for name, gradient in named if gradient is not None}


def _why_no_gradient(error: str) -> str:
    for part, meaning in _NO_GRADIENT.items():
        if part in error:
            return meaning
    return f"PyTorch says: {error[:300]}"


def _from_tensor(tensor: torch.Tensor) -> np.ndarray:
    if tensor.layout is not torch.strided or tensor.is_complex() or tensor.is_meta:
        raise UnusableError("it returned a tensor that is sparse, complex or without data; return a plain real one")
    if tensor.numel() > MAX_ELEMENTS:
        raise UnusableError(f"it returned {tensor.numel():,} numbers; at most {MAX_ELEMENTS:,} are taken")
    copy = tensor.detach().to("cpu").clone()
    return _simple(copy.float().numpy() if copy.dtype in (torch.bfloat16, torch.float16) else copy.numpy())


def _from_list(value: Any) -> np.ndarray:
    parts = [plain(part) for part in value[: MAX_ELEMENTS + 1]]
    if len({part.shape for part in parts}) > 1:
        raise UnusableError("it returned a list whose parts have different shapes")
    return _limited(_simple(np.array(parts)))


def _simple(array: np.ndarray) -> np.ndarray:
    """Return the array in one of the few types that are exchanged."""
    kinds = {"b": np.bool_, "i": np.int64, "u": np.int64, "f": np.float32 if array.dtype.itemsize < 8 else np.float64}
    if array.dtype.kind not in kinds:
        raise UnusableError(f"it returned an array of type {array.dtype}; return real numbers")
    return array.astype(kinds[array.dtype.kind], order="C")


def _limited(array: np.ndarray) -> np.ndarray:
    if array.size > MAX_ELEMENTS:
        raise UnusableError(f"it returned {array.size:,} numbers; at most {MAX_ELEMENTS:,} are taken")
    return array
