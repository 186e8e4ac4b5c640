"""The half of a check that meets the student's code: call it, copy what comes back, survive whatever it does.

An *observer* is a function ``observer(function, inputs, options) -> dict of plain arrays``, which may have beside them
``changes``, codes of what it saw left changed. `call` serves nearly every problem; `options` (JSON, from the case) tell
it what else to look at:

===============  =====================================================================================================
option           what it does
===============  =====================================================================================================
``framework``    ``"torch"`` (the default) or ``"numpy"``: what the array inputs are handed over as
``outputs``      names for the parts of a returned tuple; without it there is one output, ``"value"``
``gradients``    names of inputs (or of a module's tensors): also returns ``"gradient:NAME"``, of the first output's sum
``after``        names of inputs (or of a module's tensors): also returns ``"after:NAME"``, their value after the call
``modules``      ``{"critic": [["linear", "w0", "b0"], ["tanh"], …]}``: builds a module from the inputs ``critic.w0``,
                 … and hands it over as one argument in their place; see `build_module`
``used``         names of modules that come from use: in evaluation mode, their parameters with gradients in ``.grad``
``frozen``       names of modules that come with their last parameter frozen (``requires_grad`` off)
``evaluate_at``  name of an input that is not handed over: the function's result is itself called on it
===============  =====================================================================================================
"""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from io import TextIOBase
from typing import Any

import numpy as np
import torch

from . import guards, world
from .exchange import MAX_ELEMENTS, MAX_TEXT, Observation, Request, Sample
from .frames import open_part, own_frames
from .limits import BUTTON, Stopwatch, TimeLimitError, run_within, within_this_thread

MAX_LINES = 20  # of what a function prints
BUDGET = 3.0  # a whole check may take so many times the limit of one case
ONCE_MORE = 20.0  # a function that may take longer than this is not called once more to see which settings it leaves
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


class UnusableError(Exception):
    """The function returned what cannot be turned into a plain array."""


def observe_all(
    function: Any, request: Request, told: Callable[[int, int], None] | None = None
) -> tuple[Observation, ...]:
    """Observe `function` on every sample of the request, under its guards and within its time; never raises.

    Before each sample, `told` is told how many were observed, and of how many.
    """
    from .reference import Sealed, is_stub

    if type(function) is Sealed or function is None or is_stub(function):
        return _everywhere(request, "not-attempted")
    if not callable(function):
        return _everywhere(request, "unusable", f"a function was expected, got {type(function).__name__}")
    guards.resolve(request.observer)  # what it imports is not the student's time
    left, found = BUDGET * request.limit, []
    for sample in request.samples:
        if told is not None:
            told(len(found), len(request.samples))
        watch = Stopwatch()
        found.append(_observe_one(function, request, sample, min(request.limit, left)))
        if len(found) == 1 and found[0].status == "ok" and request.limit <= ONCE_MORE:
            found[0] = _elsewhere(function, request, found[0], min(request.limit, left))
        left -= min(watch.taken(), request.limit)  # only imports take longer than the limit
        if BUTTON.pressed:
            left = 0.0
    return tuple(found)


def arguments(request: Request, sample: Sample) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments, by position and by name, with which the function is called first on a sample; fresh ones each time.

    Raises
    ------
    LookupError
        Where it is not called at all.
    """
    found: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def take(*args: Any, **kwargs: Any) -> Any:
        found.append((args, kwargs))
        raise LookupError

    with suppress(LookupError), world.kept():
        guards.resolve(request.observer)(take, sample.inputs, sample.options)
    if not found:
        raise LookupError(f"{request.key} is not called with arguments")
    return found[0]


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
    if kind.__module__ == "torch.return_types":
        raise UnusableError(f"it returned all that torch.{kind.__name__} gives; return one part of it, such as .values")
    raise UnusableError(f"it returned an object of type {kind.__name__}; return a number or a tensor")


def build_module(layers: list[list[str]], tensors: Mapping[str, torch.nn.Parameter]) -> torch.nn.Module:
    """Sequential module from ``[["linear", weight name, bias name], ["tanh"], …]``, holding these very parameters.

    They stay the caller's, so that their gradients, and what the student's function does to them, can be seen.
    """
    modules = [_linear(tensors, *names) if kind == "linear" else _ACTIVATIONS[kind]() for kind, *names in layers]
    return torch.nn.Sequential(*modules)


def words(error: BaseException) -> str:
    """Text of an error, or as much of it as is fit to show: making it runs the code of whoever raised it."""
    try:
        return str(error)[:MAX_TEXT]
    except BaseException:
        return "(its message cannot be shown)"


class Prints(TextIOBase):
    """Keeps the beginning of what a function prints while it is observed, and counts the rest."""

    def __init__(self) -> None:
        self._kept, self._room, self._lines = "", MAX_TEXT, 0

    def write(self, text: str) -> int:
        """Take some text."""
        kept = "".join(text.splitlines(keepends=True)[: max(0, MAX_LINES - self._kept.count("\n"))])[: self._room]
        self._kept, self._room = self._kept + kept, self._room - len(kept)
        self._lines += text.count("\n")
        return len(text)

    def text(self) -> str:
        """What was kept, and how many lines were not."""
        cut = self._lines - self._kept.count("\n")
        rest = f"\n… and {cut:,} more line{'s' * (cut > 1)}" if cut > 0 else ""
        return self._kept.rstrip() + rest


def _everywhere(request: Request, status: str, error: str = "") -> tuple[Observation, ...]:
    return tuple(Observation(sample.name, status, error=error) for sample in request.samples)


def _observe_one(function: Any, request: Request, sample: Sample, seconds: float) -> Observation:
    if seconds <= 0:
        return Observation(sample.name, "timeout", error="no time was left for this case")
    observer, called, printed = guards.resolve(request.observer), [], Prints()
    try:
        with guards.guarded(request.guards) as called, _quiet(printed), world.kept() as left:
            outputs = run_within(lambda: _watched(observer, function, sample), seconds)
    except BaseException as error:
        if BUTTON.pressed:
            return Observation(sample.name, "timeout", error="it was interrupted")
        found = _refused(sample, called) if called else _failed(function, sample, error, seconds)
        return replace(found, printed=printed.text())
    if called:
        return _refused(sample, called)
    changes, trouble = dict.fromkeys([*outputs.pop("changes"), *left]), outputs.pop("trouble", "")
    return Observation(sample.name, "ok", outputs, trouble, tuple(changes), printed=printed.text())


def _watched(observer: Callable[..., Any], function: Any, sample: Sample) -> dict[str, Any]:
    """Outputs of the observer, with what the function left changed; a thread of its own has settings of its own."""
    watched = world.Watched(function, sample.inputs, sample.options)
    with nullcontext([]) if within_this_thread() else world.kept() as changed:
        outputs = dict(observer(watched, sample.inputs, sample.options))
        changes = watched.changes()
    return outputs | {"changes": [*outputs.get("changes", ()), *changes, *changed]}


def _elsewhere(function: Any, request: Request, found: Observation, seconds: float) -> Observation:
    """The observation of the first sample, with the settings that a call leaves changed where they are unusual ones."""
    with suppress(BaseException), guards.guarded(request.guards), _quiet(Prints()):
        args, kwargs = arguments(request, request.samples[0])
        changed = run_within(lambda: world.changed_elsewhere(lambda: function(*args, **kwargs)), seconds)
        return replace(found, changes=(*found.changes, *changed))
    return found


def _failed(function: Any, sample: Sample, error: BaseException, seconds: float) -> Observation:
    if isinstance(error, TimeLimitError):
        return Observation(sample.name, "timeout", error=f"it was still running after {seconds:.1f} s")
    if isinstance(error, NotImplementedError):
        other = open_part(error, function)
        return Observation(sample.name, "waits" if other else "not-attempted", error=other)
    if isinstance(error, UnusableError):
        return Observation(sample.name, "unusable", error=words(error))
    return Observation(sample.name, "error", error=f"{type(error).__name__}: {words(error)}", trace=own_frames(error))


def _refused(sample: Sample, called: list[str]) -> Observation:
    name = called[0]
    return Observation(sample.name, "refused", error=f"it calls the package's own {name}: write it yourself")


@contextmanager
def _quiet(printed: Prints) -> Iterator[None]:
    with redirect_stdout(printed), redirect_stderr(Prints()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


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
        if owner in options.get("used", ()):
            _use(arguments[owner])
        if owner in options.get("frozen", ()):
            list(arguments[owner].parameters())[-1].requires_grad_(False)
    return list(arguments.values())


def _use(module: torch.nn.Module) -> None:
    """Leave a module as a caller may hold it: what puts back a fresh one's state does not put back this one's."""
    for parameter in module.eval().parameters():
        parameter.grad = torch.full_like(parameter, 0.75)


def _owned(values: Mapping[str, Any], owner: str) -> dict[str, torch.nn.Parameter]:
    return {name.split(".")[1]: value for name, value in values.items() if name.startswith(f"{owner}.")}


def _linear(tensors: Mapping[str, torch.nn.Parameter], weight: str, bias: str) -> torch.nn.Linear:
    layer = torch.nn.Linear.__new__(torch.nn.Linear)
    torch.nn.Module.__init__(layer)  # that of the layer itself draws weights, which takes longer than all else here
    layer.out_features, layer.in_features = tensors[weight].shape
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
    parts: list[Any] = []
    if isinstance(result, tuple):
        parts = list(tuple.__iter__(result))  # a subclass may answer otherwise
    elif isinstance(result, list):
        parts = list(list.__iter__(result))
    elif type(result) in (*_TENSORS, np.ndarray) and result.ndim:
        parts = list(result)
    if len(parts) != len(names):
        raise UnusableError(f"it must return {len(names)} values: {', '.join(names)}")
    return parts


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
