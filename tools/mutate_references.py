"""Mutants of the problem sets' solutions, judged: which slips no case tells from the right answer.

``python -m tools.mutate_references [ps01 ps02.sliced …]`` edits each solution (`tools.mutants`), judges each mutant on
the grader's cases with several seeds, prints a table and the survivors, and writes ``book/results/mutants.json``. A
survivor is a mutant that gets full marks with at least one seed. Those that are equal to the solution on all inputs
that the exercise allows stand in ``tools/equal_mutants.json`` with the reason. Every other one wants a case of its own.
"""

import argparse
import ast
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wgan_course.check.observe import observe_all
from wgan_grader import changes, registry
from wgan_grader.problem import Case, Problem
from wgan_grader.trials import attempt

from .book.results import RESULTS, provenance
from .mutants import Mutant, chosen

ROOT = Path(__file__).resolve().parents[1]
EQUAL = Path(__file__).with_name("equal_mutants.json")
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
LIMIT, SEEDS = 400, (1, 2)


@dataclass
class Row:
    """How the mutants of one function came out; equal and surviving ones by their edits."""

    generated: int = 0
    equal: list[str] = field(default_factory=list)
    survivors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Solution:
    """A solution's cell, the lines of it that students write, and what is defined above it."""

    key: str
    name: str
    source: str
    namespace: dict[str, Any]

    @property
    def lines(self) -> range:
        """Numbers of the lines between the marks."""
        begin, end = (self.source[: self.source.index(mark)].count("\n") + 1 for mark in (BEGIN, END))
        return range(begin, end)

    def build(self, source: str) -> Callable[..., Any]:
        """The function that this text of the cell defines."""
        namespace = dict(self.namespace)
        exec(compile(source, "<mutant>", "exec"), namespace)
        return namespace[self.name]


def solutions(name: str) -> Iterator[Solution]:
    """Solutions of a set such as ``ps01`` that need no training, from its notebook."""
    (path,) = (ROOT / "solutions").glob(f"{name}_*/*.ipynb")
    cells = [
        "".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]  # fmt: skip
    found = re.findall(r'^check\("(ps\d+\.\w+)", (\w+)\)', "\n".join(cells), re.MULTILINE)
    keys = {function: key for key, function in found}
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for source in cells:
        if source.startswith("check("):
            continue
        if BEGIN in source:
            function = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)][-1]
            if registry.find(keys[function]).reached is None:
                yield Solution(keys[function], function, source, dict(namespace))
            exec(compile(source, "<solution>", "exec"), namespace)
        elif "import " in source:
            exec(compile(source, "<set-up>", "exec"), namespace)


def survives(problem: Problem, function: Callable[..., Any], cases: Sequence[Case]) -> bool:
    """Whether every case accepts the function; the first that does not is the last that is tried."""
    return all(_passes(problem, function, case) for case in cases)


def _passes(problem: Problem, function: Callable[..., Any], case: Case) -> bool:
    (seen,) = observe_all(function, problem.request([case]))
    return attempt(problem, case, seen).passed and not changes.left(case, seen)


def judge(solution: Solution, limit: int = LIMIT, seeds: Sequence[int] = SEEDS) -> Row:
    """Judge the mutants of one solution."""
    problem, equal = registry.find(solution.key), read_equal().get(solution.key, {})
    tables = [problem.make_cases(np.random.default_rng(seed), hidden=True) for seed in seeds]
    row = Row()
    for mutant in chosen(solution.source, solution.lines, limit, solution.key):
        row.generated += 1
        if _survives_some(problem, solution, mutant, tables):
            listed = mutant.label in equal or mutant.edit in equal
            (row.equal if listed else row.survivors).append(mutant.label)
    return row


def _survives_some(problem: Problem, solution: Solution, mutant: Mutant, tables: Sequence[Sequence[Case]]) -> bool:
    try:
        function = solution.build(mutant.source)
    except Exception:
        return False
    return any(survives(problem, function, cases) for cases in tables)


def read_equal() -> dict[str, dict[str, str]]:
    """Edits that change no legal answer, by function, with the reason."""
    return json.loads(EQUAL.read_text(encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the sets or functions that are named; the number of survivors decides about success."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", help="sets or functions; all where left out")
    parser.add_argument("--limit", type=int, default=LIMIT, help="most mutants of a function")
    options = parser.parse_args(arguments)
    wanted = options.names or sorted({key.partition(".")[0] for key in list(registry.keys())})
    path = RESULTS / "mutants.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["functions"] if path.exists() else {}
    for name in dict.fromkeys(each.partition(".")[0] for each in wanted):
        for solution in solutions(name):
            if name in wanted or solution.key in wanted:
                row = judge(solution, options.limit)
                _tell(solution.key, row)
                kept[solution.key] = {"generated": row.generated, "equal": len(row.equal), "survivors": row.survivors}
                _write(path, kept)
    return int(any(counts["survivors"] for counts in kept.values()))


def _tell(key: str, row: Row) -> None:
    sys.stdout.write(f"{key:32} {row.generated:4} {len(row.equal):4} {len(row.survivors):4}\n")
    sys.stdout.writelines(f"    {label}\n" for label in row.survivors)
    sys.stdout.flush()


def _write(path: Path, functions: dict[str, Any]) -> None:
    whole = {
        "provenance": provenance(__file__, "solutions of the ten problem sets")
        | {"command": "python -m tools.mutate_references"},
        "functions": functions,
    }
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
