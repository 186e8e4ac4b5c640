"""Results of long experiments: JSON under ``book/results``, with their provenance inside the file.

An experiment is a script beside its chapter with a function of one seed. `run_seeds` runs it for each seed, writes the
file whole after each one, and goes on where a killed run stopped. The chapter reads the file, so that no result is
typed by hand, and a test loads the script, runs one seed again and compares.
"""

import datetime
import hashlib
import importlib.util
import json
import logging
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from wgan_course.training.checkpoint import atomic_write

__all__ = [
    "RESULTS",
    "Experiment",
    "load_script",
    "over_seeds",
    "provenance",
    "read_results",
    "run_seeds",
    "write_results",
]

RESULTS = Path(__file__).resolve().parents[2] / "book" / "results"
RELATIVE, ABSOLUTE = 0.05, 0.02  # another processor rounds otherwise, and training enlarges the difference
TIMES = {"seconds", "cpu", "wall"}  # what a clock has said is never said again
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Experiment:
    """An experiment that falls into parts, each of which depends on its name and on a seed alone.

    Run one after another by `run`, or many at once by ``benchmarks/many.py``.

    Attributes
    ----------
    name : str
        Of the result's file, without its ending.
    script : str
        The experiment's file.
    data : str
        What it is run on, in words.
    seeds : sequence of int
    parts : sequence of str
    one_part : callable (part, seed) -> what JSON can hold
    """

    name: str
    script: str
    data: str
    seeds: Sequence[int]
    parts: Sequence[str]
    one_part: Callable[[str, int], Any]

    def one_seed(self, seed: int) -> dict[str, Any]:
        """Every part with one seed."""
        return {part: self.one_part(part, seed) for part in self.parts}

    def run(self) -> Path:
        """Run all seeds on one thread, and write the results with their provenance."""
        import torch

        torch.set_num_threads(1)
        return run_seeds(self.name, self.one_seed, self.seeds, provenance(self.script, self.data))


def provenance(script: str | Path, data: str, device: str = "cpu, one thread") -> dict[str, str]:
    """Where a result comes from: command, code, versions, device, data and date.

    Parameters
    ----------
    script : str or Path
        The experiment's file, inside the course's folder.
    data : str
        What it was run on, in words.
    device : str
        What computed it, in words.
    """
    import torch

    import wgan_course

    path = Path(script).resolve()
    return {
        "command": f"python {path.relative_to(RESULTS.parents[1]).as_posix()}",
        "source": hashlib.sha256(path.read_bytes()).hexdigest()[:16],
        "package": wgan_course.__version__,
        "torch": torch.__version__.split("+")[0],
        "device": device,
        "data": data,
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    }


def run_seeds(name: str, one_seed: Callable[[int], Any], seeds: Iterable[int], origin: dict[str, str]) -> Path:
    """Run an experiment for each seed and write ``book/results/<name>.json`` after each one.

    Seeds that the file holds already, from the same source and versions, are not run again. Where the source alone has
    changed, the first seed is run again: if it gives the numbers that the file holds, the others are kept too, and the
    provenance says so.

    Parameters
    ----------
    name : str
        File name without its ending; it begins with the chapter's number.
    one_seed : callable
        From a seed to something that JSON can hold.
    seeds : iterable of int
    origin : dict
        What `provenance` returned.

    Returns
    -------
    Path
        The file: ``{"provenance": …, "seeds": {"0": …, "1": …}}``.
    """
    path = RESULTS / f"{name}.json"
    seeds = list(seeds)
    done = _finished(path, origin)
    if not done and _rewritten(path, origin):
        done, origin = _confirm(path, one_seed, seeds[0], origin)
    for seed in seeds:
        if str(seed) not in done:
            done[str(seed)] = one_seed(seed)
            write_results(path, {"provenance": origin, "seeds": done})
        logger.info("%s: seed %d is done", name, seed)
    return path


def write_results(path: Path, content: dict[str, Any]) -> None:
    """Write results whole, or leave the file as it was.

    Parameters
    ----------
    path : Path
        The file.
    content : dict
        With its ``"provenance"``.

    Raises
    ------
    ValueError
        Where JSON cannot hold a number: it has neither infinities nor NaN.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    atomic_write(path, (text + "\n").encode())


def read_results(name: str) -> dict[str, Any]:
    """The content of ``book/results/<name>.json``.

    Parameters
    ----------
    name : str
        File name without its ending.

    Returns
    -------
    dict

    Raises
    ------
    FileNotFoundError
        Where there is no such file; the message names the ones that exist.
    """
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in RESULTS.glob("*.json")))
        raise FileNotFoundError(f"no results called {name!r}; there are: {known}")
    return json.loads(path.read_text(encoding="utf-8"))


def over_seeds(results: dict[str, Any], pick: Callable[[Any], Any]) -> Any:
    """What `pick` takes from each seed's result, stacked in the order of the seeds.

    Parameters
    ----------
    results : dict
        From `read_results`.
    pick : callable
        From what one seed left to a number or an array.

    Returns
    -------
    ndarray, shape (seeds, ...)
    """
    import numpy as np

    return np.array([pick(results["seeds"][seed]) for seed in sorted(results["seeds"], key=int)])


def load_script(name: str) -> ModuleType:
    """The module of an experiment's script, which no package holds.

    Parameters
    ----------
    name : str
        The script's path inside ``book``, without its ending, such as ``08_spectral_normalisation/race``.

    Returns
    -------
    module : ModuleType
        Loaded anew, and registered under a name of its own, ``experiment_…``.

    Raises
    ------
    FileNotFoundError
        Where there is no such script.
    """
    path = RESULTS.parent / f"{name}.py"
    if not path.is_file():
        raise FileNotFoundError(f"book/ has no script {name}.py")
    spec = importlib.util.spec_from_file_location(f"experiment_{name.replace('/', '_')}", path)
    assert spec is not None  # as it is for every file that ends in .py
    assert spec.loader is not None
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _finished(path: Path, origin: dict[str, str]) -> dict[str, Any]:
    """Seeds that an earlier run of the same code has left."""
    if not path.is_file():
        return {}
    kept = _kept(path)
    same = all(kept["provenance"].get(key) == origin[key] for key in ("source", "package", "torch", "device"))
    return kept["seeds"] if same else {}


def _rewritten(path: Path, origin: dict[str, str]) -> bool:
    """Whether the file is from the same versions, and another source."""
    return path.is_file() and bool(_finished(path, origin | {"source": _kept(path)["provenance"].get("source", "")}))


def _kept(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _confirm(path: Path, one_seed: Callable[[int], Any], seed: int, origin: dict[str, str]) -> tuple[dict, dict]:
    """Run a seed with the new source: what may be kept of the file, and its provenance."""
    again, kept = json.loads(json.dumps(one_seed(seed))), _kept(path)
    if not same_numbers(kept["seeds"].get(str(seed)), again):
        return {str(seed): again}, origin
    confirmed = {"source": origin["source"], "confirmed": f"seed {seed} ran again on {origin['date']}, same numbers"}
    origin = kept["provenance"] | confirmed
    write_results(path, {"provenance": origin, "seeds": kept["seeds"]})
    return kept["seeds"], origin


def same_numbers(one: Any, other: Any) -> bool:
    """Whether two results hold the same, up to what rounding makes of numbers; times are left out.

    Parameters
    ----------
    one, other : anything that JSON can hold
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_numbers(one[k], other[k]) for k in one.keys() - TIMES)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_numbers, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return one == other
