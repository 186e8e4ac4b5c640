"""What a function leaves changed: its arguments, the modules among them, and the settings that all code shares.

A change is a short code, ``aspect`` or ``aspect:name``; `wgan_grader.changes` says each in words and decides which cost
points. The aspects of an argument are those that `_state` lists, those of what all code shares are in `SETTINGS`.
Of what comes back, ``graph:NAME`` says that a gradient runs through it, ``alias:NAME`` that it shares an argument's
memory.
"""

import copy
import pickle
import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

TENSORS = (Tensor, nn.Parameter)
_numpy: Any = np.random  # whose types leave two functions out
_GLOBAL_HOOKS = [name for name in vars(nn.modules.module) if name.startswith("_global_") and name.endswith("_hooks")]


def _set_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)


def _global_hooks() -> dict[str, dict]:
    return {name: dict(getattr(nn.modules.module, name)) for name in _GLOBAL_HOOKS}


def _set_global_hooks(hooks: Mapping[str, dict]) -> None:
    for name, kept in hooks.items():
        registered = getattr(nn.modules.module, name)
        registered.clear()
        registered.update(kept)


def _set_warnings(filters: list) -> None:
    warnings.filters[:] = filters  # type: ignore[index]


def _numpy_state() -> tuple:
    """NumPy's source of numbers and its state, with bytes in the place of the array, so that ``==`` compares it."""
    source, state = _numpy.get_bit_generator(), np.random.get_state(legacy=False)
    return source, pickle.dumps(state)


def _set_numpy_state(kept: tuple) -> None:
    _numpy.set_bit_generator(kept[0])
    np.random.set_state(pickle.loads(kept[1]))


# Each is read before and after every call, so its value is one that ``==`` compares at once.
SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "grad-mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "default-dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "default-device": (torch.get_default_device, _set_device),
    "deterministic": (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    "anomaly": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "threads": (torch.get_num_threads, torch.set_num_threads),
    "global-hooks": (_global_hooks, _set_global_hooks),
    "seed": (torch.initial_seed, lambda seed: None),  # comes back with the state
    "random-torch": (lambda: torch.get_rng_state().numpy().tobytes(), lambda state: torch.set_rng_state(_bytes(state))),
    "random-numpy": (_numpy_state, _set_numpy_state),
    "random-python": (random.getstate, random.setstate),
    "numpy-errors": (np.geterr, lambda errors: np.seterr(**errors)),
    "warnings": (lambda: list(warnings.filters), _set_warnings),
    "print-options": (np.get_printoptions, lambda options: np.set_printoptions(**options)),
}
# Settings that a caller may have: who ends by setting PyTorch's own changes these.
ELSEWHERE: dict[str, Any] = {"grad-mode": False, "default-dtype": torch.float64}


class Watched:
    """A function that remembers what its arguments were before each call, and what it handed back.

    Parameters
    ----------
    function : callable
    inputs : mapping
        What the case has, in the order of the arguments; a module's tensors are ``critic.w0``, ``critic.b0``, …
    options : mapping
        The case's.
    """

    def __init__(self, function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self.__wrapped__ = function
        kept = [name.split(".")[0] for name in inputs if name != options.get("evaluate_at")]
        self._names = list(dict.fromkeys(kept))
        self._evaluated = "evaluate_at" in options
        self._outputs = options.get("outputs", ["value"])
        self._calls: list[tuple[str, Any, dict[str, Any]]] = []
        self._found: list[str] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        names = self._names if len(self._names) == len(args) else [f"argument {i + 1}" for i in range(len(args))]
        self._calls += [(name, value, _state(value)) for name, value in zip(names, args, strict=True)]
        result = self.__wrapped__(*args, **kwargs)
        self._found += [*self._changed(), *_handed_back(result, self._outputs, dict(zip(names, args, strict=True)))]
        return result

    def changes(self) -> list[str]:
        """Codes of what the calls changed, and what a function that they returned has changed since."""
        return list(dict.fromkeys(self._found + (self._changed() if self._evaluated else [])))

    def _changed(self) -> list[str]:
        pairs = [
            (name, aspect) for name, value, before in self._calls for aspect in _differences(before, _state(value))
        ]
        return [f"{aspect}:{name}" for name, aspect in pairs]


@contextmanager
def kept() -> Iterator[list[str]]:
    """Put the settings that all code shares back after the block; yields the list of those that the block changed."""
    before = {name: get() for name, (get, _) in SETTINGS.items()}
    changed: list[str] = []
    try:
        torch.set_grad_enabled(True)  # whatever an earlier cell has left
        yield changed
    finally:
        wanted = before | {"grad-mode": True}
        changed += [name for name, value in wanted.items() if not _equal(SETTINGS[name][0](), value)]
        for name in dict.fromkeys(["grad-mode", *changed]):
            with suppress(Exception):
                SETTINGS[name][1](before[name])


def changed_elsewhere(call: Callable[[], Any]) -> list[str]:
    """Codes of the settings that a call leaves changed where they were not PyTorch's own; none where it stops there."""
    with kept():
        for name, value in ELSEWHERE.items():
            SETTINGS[name][1](value)
        try:
            call()
        except Exception:  # it need not work with these settings
            return []
        return [f"{name}-elsewhere" for name, value in ELSEWHERE.items() if not _equal(SETTINGS[name][0](), value)]


def _bytes(state: bytes) -> Tensor:
    return torch.frombuffer(bytearray(state), dtype=torch.uint8)


def _equal(a: Any, b: Any) -> bool:
    """Whether two values of a setting are the same; what a submission has put there may refuse to be compared."""
    with suppress(Exception):
        return bool(a == b)
    return False


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, _Identities):
        return a == b
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, tuple | list):
        return type(a) is type(b) and len(a) == len(b) and all(map(_same, a, b))
    return bool(a is b or a == b)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    if before.keys() != after.keys():
        return ["value"]
    changed = [aspect for aspect in before if not _same(before[aspect], after[aspect])]
    if "layers" in changed:  # of other layers, all else is other as well
        changed = ["layers"]
    if "replaced" in changed:
        changed = [aspect for aspect in changed if aspect in ("replaced", "mode", "hooks", "buffers")]
    return [_direction(aspect, before[aspect], after[aspect]) for aspect in changed]


def _direction(aspect: str, before: Any, after: Any) -> str:
    """Whether parameters were frozen or thawed, and which mode a module was left in."""
    if aspect == "mode":
        return "eval-mode" if sum(after) < sum(before) else "train-mode"
    if aspect in ("requires-grad", "trainable"):
        if sum(after) < sum(before):
            return "frozen"
        return "thawed" if aspect == "trainable" else aspect
    return aspect


def _state(value: Any) -> dict[str, Any]:
    """Everything about an argument that a caller could miss, aspect by aspect."""
    if isinstance(value, nn.Module):
        return _module_state(value)
    if isinstance(value, Tensor):
        return {"value": _content(value), **_tensors_state([value])}
    if isinstance(value, np.ndarray):
        return {"value": np.array(value)}
    if isinstance(value, tuple | list | dict | set):
        return {"value": copy.deepcopy(value)}
    return {}


def _module_state(module: nn.Module) -> dict[str, Any]:
    parts, parameters = list(module.modules()), list(module.parameters())
    found = {
        "mode": tuple(part.training for part in parts),
        "layers": tuple((name, type(part)) for name, part in module.named_modules()),
        "replaced": _Identities(parameters),
        "buffers": tuple(map(_content, module.buffers())),
        "value": tuple(map(_content, parameters)),
    }
    state = found | _tensors_state(parameters)
    state["trainable"] = state.pop("requires-grad")
    return state | {"hooks": (state["hooks"], tuple(_hooks(part) for part in parts))}


class _Identities(list):
    """Objects that are the same only if they are the very same."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identities) and list(map(id, self)) == list(map(id, other))

    __hash__ = None  # type: ignore[assignment]


def _tensors_state(tensors: Sequence[Tensor]) -> dict[str, Any]:
    return {
        "requires-grad": tuple(tensor.requires_grad for tensor in tensors),
        "grad": tuple(None if not t.is_leaf or t.grad is None else _content(t.grad) for t in tensors),
        "hooks": tuple(_hooks(tensor) for tensor in tensors),
    }


def _hooks(owner: Any) -> tuple:
    """Keys of every hook that hangs on a tensor or a module, by the attribute that holds them."""
    tensor = ("_backward_hooks", "_post_accumulate_grad_hooks")
    names = tensor if isinstance(owner, Tensor) else sorted(name for name in vars(owner) if name.endswith("_hooks"))
    return tuple((name, tuple(getattr(owner, name))) for name in names if getattr(owner, name))


def _content(tensor: Tensor) -> tuple:
    whole = tensor.detach()
    return whole.dtype, tuple(whole.shape), whole.to(torch.float64).cpu().numpy().tobytes()


def _handed_back(result: Any, names: list[str], arguments: Mapping[str, Any]) -> list[str]:
    parts = list(result) if type(result) in (tuple, list) and len(result) == len(names) else [result]
    named = [(name, part) for name, part in zip(names, parts, strict=False) if type(part) in TENSORS]
    found = [f"graph:{name}" for name, part in named if part.requires_grad]
    given = [(name, value) for name, value in arguments.items() if type(value) in TENSORS]
    return found + [f"alias:{name}" for name, value in given if any(_shared(value, part) for _, part in named)]


def _shared(a: Tensor, b: Tensor) -> bool:
    with suppress(Exception):
        return a.numel() > 0 and a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
    return False
