"""A graded function as one object: what it is tried on, what is right, and what each wrong answer means.

**To add a graded function, write one file** ``wgan_grader/problems/psNN/NAME.py`` that ends in ``PROBLEM = Problem(…)``
and reads like a specification; its key is ``psNN.NAME``. ``problems/ps01/kl.py`` is the one to copy. Then:

1. `cases(rng)` yields `Case` objects, most of them made by `case`. A case has the criterion that it decides, a name,
   and the inputs *in the order of the function's arguments* (arrays reach the student as fresh torch tensors of the
   same type). Begin with small cases whose answer can be seen: the smallest one that fails is shown. Never use a case
   whose right and wrong answers agree (identical points, symmetric matrices, λ = 1), and let random ones have unequal
   sizes, or axes can be swapped unseen.
2. `formula` takes the same arguments as numpy arrays and returns the right answer: a number, an array, or a dict of
   named outputs. Write it in numpy, without the package: the two must not be wrong together.
3. `criteria` have points; all of a criterion's cases must pass to earn them. Put what is hard (infinities, huge logits,
   precision) in criteria of their own, so that it costs only their points.
4. `misconceptions` are the wrong answers that people give: the table ``WRONG`` has a row of an id and wrong formulas,
   with the same arguments, for each form of a mistake, and ``MESSAGES`` what each id *teaches* (what was done, why it
   is wrong, what to change); `formulas.explained` joins the two. One that predicts every failing case of a criterion,
   and that no other case contradicts, is reported (`explain`). Most wrong formulas are made of the right one by the
   words of `formulas`; `formulas.Detected` is for what no formula can say, and must look at the answer: one that any
   wrong answer or error would draw is never believed. What `patterns` sees (NaN, sign, factors, which inputs fail, …)
   needs no listing, nor do wrong shapes, lost gradients, exceptions and endless loops.
5. `package_functions` are the package's own implementations, which refuse while the student's is observed; `stand_in`
   is what `or_reference` gives the rest of the notebook while the exercise is open.
6. `scales` repeats the first case at other sizes: ``(1e3, "x y")`` is one with both inputs a thousand times as large.
   Numbers near 1 alone do not tell a small constant, or a limit, that was added to an answer. `single` repeats it with
   one row of the inputs that it names, ``("real fake",)``: a squeeze() takes the axis of a batch of one away.
7. `reached(case, outputs)` is for thresholds: what was measured, in words. It stands beside the criterion, in the place
   of the smallest failing input.

The observer is `observe.call` unless the function needs more; see there what a case's `options` can ask of it
(gradients, values changed in place, tuples, modules, returned functions), and in `changes` what it may leave changed
(``after``, ``may_change``, ``constants``, ``loss``). Tolerances are relative 1e-5 and absolute
1e-7, which a float32 answer meets; a case that wants more says so by its own `rtol` and `atol`.

**Then its mutants and alternatives**: ``tests/exercises/psNN/test_NAME.py``; see ``tests/exercises/README.md``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from wgan_course.check.exchange import Observation, Request, Sample

RTOL, ATOL = 1e-5, 1e-7
Outputs = Mapping[str, np.ndarray]
Formula = Callable[..., Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Case(Sample):
    """One set of inputs and the criterion that it decides; a hidden case is tried when grading only."""

    criterion: str = ""
    hidden: bool = False
    rtol: float = RTOL
    atol: float = ATOL
    _found: dict[Any, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def once(self, what: Any, find: Callable[[], T]) -> T:
        """What `find` finds, the first time that it is asked for: every criterion asks anew."""
        if what not in self._found:
            self._found[what] = find()
        return self._found[what]


Cases = Iterator[Case]


def case(
    criterion: str, name: str, /, *, options: Any = None, rtol: Any = RTOL, atol: Any = ATOL, **inputs: Any
) -> Case:
    """Case whose inputs stand by their names, in the order of the function's arguments; a list becomes an array."""
    arrays = {key: np.array(value) if isinstance(value, list) else value for key, value in inputs.items()}
    return Case(name, arrays, options or {}, criterion, rtol=rtol, atol=atol)


def scaled(case: Case, factor: float, *names: str) -> Case:
    """The case with these inputs times a factor, and with an absolute tolerance that a small factor makes smaller."""
    inputs = {name: value * factor if name in names else value for name, value in case.inputs.items()}
    name = f"{case.name}, {' and '.join(names)} times {factor:g}"
    return replace(case, name=name, inputs=inputs, atol=case.atol * min(factor, 1.0))


def alone(case: Case, *names: str) -> Case:
    """The case with the first row alone of each of these inputs: a batch of one."""
    inputs = {name: value[:1] if name in names else value for name, value in case.inputs.items()}
    return replace(case, name=f"{case.name}, one row of {' and '.join(names)}", inputs=inputs)


@dataclass(frozen=True)
class Criterion:
    """Something that a right function does, and what it is worth."""

    id: str
    title: str
    points: float


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that people give.

    Parameters
    ----------
    id : str
        Short name, for the tests.
    message : str
        What the student reads: what was done, why it is wrong, what to change.
    formulas : tuple of callable
        Wrong formulas with the arguments of the right one.
    detect : callable, optional
        ``detect(case, observation, expected) -> bool``, for what no formula can say.
    """

    id: str
    message: str
    formulas: tuple[Formula, ...] = ()
    detect: Callable[[Case, Observation, Outputs], bool] | None = None


@dataclass(frozen=True)
class Problem:
    """A graded function; see the module's text for how to write one."""

    key: str
    title: str
    criteria: tuple[Criterion, ...]
    cases: Callable[[np.random.Generator], Iterable[Case]]
    formula: Formula
    misconceptions: tuple[Misconception, ...] = ()
    package_functions: tuple[str, ...] = ()
    stand_in: str = ""
    observe: str = "wgan_course.check.observe.call"
    limit: float = 5.0
    pure: str = ""
    compare: Callable[[Outputs, Outputs, Case], bool] | None = field(default=None)
    reached: Callable[[Case, Outputs], str] | None = field(default=None)
    scales: tuple[tuple[float, str], ...] = ()
    single: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a problem whose parts do not fit."""
        ids = [criterion.id for criterion in self.criteria]
        if not ids or len(set(ids)) < len(ids):
            raise ValueError(f"{self.key} needs criteria with distinct ids, got {ids}")
        if self.pure and self.pure not in ids:
            raise ValueError(f"{self.key}: pure={self.pure!r} is none of its criteria {ids}")

    @property
    def points(self) -> float:
        """Points of all criteria together."""
        return sum(criterion.points for criterion in self.criteria)

    def make_cases(self, rng: np.random.Generator, hidden: bool = False) -> list[Case]:
        """Cases drawn from `rng`; the hidden ones only when asked for.

        Raises
        ------
        ValueError
            Where two cases have one name, or a case decides no criterion of this problem.
        """
        cases = [case for case in self.cases(rng) if hidden or not case.hidden]
        first = cases[0]
        cases += [scaled(first, factor, *names.split()) for factor, names in self.scales]
        cases += [alone(first, *names.split()) for names in self.single]
        if len({case.name for case in cases}) < len(cases):
            raise ValueError(f"{self.key} has two cases of one name")
        unknown = {case.criterion for case in cases} - {criterion.id for criterion in self.criteria}
        if unknown:
            raise ValueError(f"{self.key} has cases for unknown criteria: {sorted(unknown)}")
        return cases

    def request(self, cases: Iterable[Case]) -> Request:
        """What the sandbox may see of the cases."""
        samples = tuple(Sample(case.name, case.inputs, case.options) for case in cases)
        return Request(self.key, samples, self.title, self.observe, self.package_functions, self.stand_in, self.limit)

    def reference(self, case: Case) -> Outputs:
        """Right outputs for a case."""
        return as_outputs(self.formula, case)

    def judge(self, observed: Outputs, expected: Outputs, case: Case) -> bool:
        """Whether what was observed is right: the same shapes, and close."""
        if self.compare is not None:
            return self.compare(observed, expected, case)
        return all(name in observed and close(observed[name], expected[name], case) for name in expected)


def as_outputs(formula: Formula, case: Case) -> Outputs:
    """Call a formula on copies of the case's inputs, and name what it returns."""
    return case.once(formula, lambda: _outputs(formula, case))


def _outputs(formula: Formula, case: Case) -> Outputs:
    values = (np.array(value) if isinstance(value, np.ndarray) else value for value in case.inputs.values())
    with np.errstate(all="ignore"):
        result = formula(*values)
    named = result if isinstance(result, Mapping) else {"value": result}
    return {name: np.asarray(value) for name, value in named.items()}


def close(observed: np.ndarray, expected: np.ndarray, case: Case, slack: float = 1.0, equal_nan: bool = False) -> bool:
    """Whether two arrays have the same shape (one number is a scalar, however wrapped) and agree within tolerance."""
    if observed.shape != expected.shape and not observed.size == expected.size == 1:
        return False
    a, b = (array.astype(np.float64).reshape(expected.shape) for array in (observed, expected))
    # What `numpy.allclose` says, in half of its time: explaining an answer compares many small arrays.
    with np.errstate(all="ignore"):
        near = (np.abs(a - b) <= slack * (case.atol + case.rtol * np.abs(b))) & np.isfinite(b) | (a == b)
    return bool((near | (np.isnan(a) & np.isnan(b)) if equal_nan else near).all())
