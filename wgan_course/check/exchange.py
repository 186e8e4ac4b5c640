"""What passes between the one who judges and the one who runs the student's code: arrays and JSON, never code.

One file a key and direction, in the safetensors format: arrays in the body, one JSON text in the header. Both
directions are read with a size limit and a whitelist of types before anything is parsed.
"""

import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 2
MAX_FILE_BYTES = 64 * 2**20
MAX_HEADER_BYTES = 4 * 2**20
MAX_ELEMENTS = 2**21
MAX_TEXT = 2000
MAX_CODE, MAX_CODES = 100, 40
DTYPES = frozenset({"F64", "F32", "I64", "I32", "BOOL"})
STATUSES = frozenset({"ok", "error", "timeout", "not-attempted", "waits", "refused", "unusable"})


class ExchangeError(Exception):
    """A file of the exchange is missing, damaged, too large, or holds what it must not."""


@dataclass(frozen=True)
class Sample:
    """One set of inputs, as the sandbox sees it: named values in the order of the function's arguments."""

    name: str
    inputs: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """Everything that observing one function needs, and nothing that judging it needs."""

    key: str
    samples: tuple[Sample, ...]
    title: str = ""
    observer: str = "wgan_course.check.observe.call"
    guards: tuple[str, ...] = ()
    stand_in: str = ""
    limit: float = 5.0


@dataclass(frozen=True)
class Observation:
    """What one call of the student's function did.

    `status` is one of `STATUSES`: ``ok``; ``error`` (it raised, see `error`); ``timeout``; ``not-attempted`` (it raised
    NotImplementedError, or is a sealed reference); ``waits`` (another exercise that it calls is still open);
    ``refused`` (it called the package's own implementation); ``unusable`` (it returned what cannot be turned into a
    plain array). `error` also says why a gradient is missing where all else is ``ok``; `changes` has codes of what the
    call left changed, see `wgan_course.check.world`. Its own lines of a traceback and what it printed are known only
    where it ran: they are not exchanged.
    """

    name: str
    status: str
    outputs: Mapping[str, np.ndarray] = field(default_factory=dict)
    error: str = ""
    changes: tuple[str, ...] = ()
    trace: tuple[str, ...] = ()
    printed: str = ""


def path_for(folder: str | Path, key: str) -> Path:
    """Path of a key's file in `folder`; ValueError for a key that is no plain dotted name."""
    if not key.replace(".", "_").isidentifier():
        raise ValueError(f"key must be a dotted name such as 'ps01.kl', got {key!r}")
    return Path(folder) / f"{key}.safetensors"


def write_request(request: Request, folder: str | Path) -> Path:
    """Write a request's file for the sandbox to read."""
    arrays, samples = {}, []
    for index, sample in enumerate(request.samples):
        kept = {name: value for name, value in sample.inputs.items() if isinstance(value, np.ndarray)}
        arrays.update({f"{index}/{name}": value for name, value in kept.items()})
        inputs = [[name, None if name in kept else {"value": value}] for name, value in sample.inputs.items()]
        samples.append({"name": sample.name, "inputs": inputs, "options": dict(sample.options)})
    names = ("key", "title", "observer", "stand_in", "limit")
    header = {name: getattr(request, name) for name in names} | {"guards": list(request.guards), "samples": samples}
    return _write(path_for(folder, request.key), arrays, header)


def read_request(folder: str | Path, key: str) -> Request:
    """Read a request's file; ExchangeError where it is missing or damaged."""
    arrays, header = _read(path_for(folder, key))
    try:
        samples = tuple(_sample(index, entry, arrays) for index, entry in enumerate(header.pop("samples")))
        return Request(samples=samples, guards=tuple(header.pop("guards")), **header)
    except (KeyError, TypeError, ValueError) as error:
        raise ExchangeError(f"the request for {key} is damaged: {error}") from error


def write_observations(key: str, observations: Sequence[Observation], folder: str | Path) -> Path:
    """Write what was observed of one function, for the judge to read."""
    arrays, entries = {}, []
    for index, seen in enumerate(observations):
        arrays.update({f"{index}/{name}": value for name, value in seen.outputs.items()})
        entry = {"name": seen.name, "status": seen.status, "error": seen.error[:MAX_TEXT]}
        changes = [code[:MAX_CODE] for code in seen.changes[:MAX_CODES]]
        entries.append(entry | {"changes": changes, "outputs": list(seen.outputs)})
    return _write(path_for(folder, key), arrays, {"key": key, "observations": entries})


def read_observations(folder: str | Path, key: str) -> tuple[Observation, ...]:
    """Read what was observed; nothing in the file is trusted, and ExchangeError says what is wrong with it."""
    arrays, header = _read(path_for(folder, key))
    if header.get("key") != key:
        raise ExchangeError(f"the observations for {key} carry another key: {str(header.get('key'))[:80]!r}")
    try:
        return tuple(_observation(index, entry, arrays) for index, entry in enumerate(header["observations"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ExchangeError(f"the observations for {key} are damaged: {error!r:.200}") from error


def _sample(index: int, entry: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Sample:
    inputs = {name: arrays[f"{index}/{name}"] if box is None else box["value"] for name, box in entry["inputs"]}
    return Sample(entry["name"], inputs, entry["options"])


def _observation(index: int, entry: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Observation:
    name, status, error = (_text(entry[field]) for field in ("name", "status", "error"))
    if status not in STATUSES:
        raise ValueError(f"status {status[:40]!r}")
    outputs = {_text(output): arrays[f"{index}/{output}"] for output in entry["outputs"]}
    changes = tuple(_text(code)[:MAX_CODE] for code in entry["changes"][:MAX_CODES])
    return Observation(name, status, outputs, error, changes)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(f"text expected, got {type(value).__name__}")
    return value[:MAX_TEXT]


def _write(path: Path, arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> Path:
    from safetensors.numpy import save

    whole = {name: np.array(value, order="C") for name, value in arrays.items()}
    body = save(whole, metadata={"wgan_course": json.dumps({"format": FORMAT} | dict(header))})
    if len(body) > MAX_FILE_BYTES:
        raise ExchangeError(f"{path.name} would be {len(body):,} bytes; the limit is {MAX_FILE_BYTES:,}")
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.write_bytes(body)
    draft.replace(path)
    return path


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    body = _read_limited(path)
    header = _checked_header(body, path.name)
    try:
        from safetensors.numpy import load

        arrays = load(body)
    except Exception as error:
        raise ExchangeError(f"{path.name} is no safetensors file: {error!s:.200}") from error
    return arrays, header


def _read_limited(path: Path) -> bytes:
    try:
        if path.is_symlink() or not path.is_file():
            raise ExchangeError(f"{path.name} is not there, or is no plain file")
        with path.open("rb") as file:
            body = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ExchangeError(f"{path.name} cannot be read: {error.strerror}") from error
    if len(body) > MAX_FILE_BYTES:
        raise ExchangeError(f"{path.name} is larger than {MAX_FILE_BYTES:,} bytes")
    return body


def _checked_header(body: bytes, name: str) -> dict[str, Any]:
    try:
        (length,) = struct.unpack("<Q", body[:8])
        if length > MAX_HEADER_BYTES:
            raise ExchangeError(f"{name} has a header of {length:,} bytes; the limit is {MAX_HEADER_BYTES:,}")
        entries = json.loads(body[8 : 8 + length])
        header = json.loads(entries.pop("__metadata__")["wgan_course"])
        kinds = {entry["dtype"] for entry in entries.values()}
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ExchangeError(f"{name} has no header of this course: {error!r:.200}") from error
    if not kinds <= DTYPES:
        raise ExchangeError(f"{name} holds arrays of other types than {sorted(DTYPES)}")
    if type(header) is not dict or header.pop("format", None) != FORMAT:
        raise ExchangeError(f"{name} is not of format {FORMAT}: package and file are of different versions")
    return header
