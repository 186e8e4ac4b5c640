"""No points for nothing: stubs, constants, an argument handed back, and the public answers by heart."""

import ast
import functools
import json
import math

import numpy as np
import pytest
import torch

from wgan_course.check.observe import observe_all
from wgan_course.check.reference import is_stub
from wgan_grader import diagnosis, registry, verdict
from wgan_grader.own import public_seed

SEED = 20_011
SET_UP = "import math\nimport numpy as np\nimport torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"


def first(*args):
    return next((a for a in args if isinstance(a, torch.Tensor)), args[0])


NOTHING = {
    "None": lambda *args: None,
    "0": lambda *args: 0.0,
    "1": lambda *args: 1.0,
    "-1": lambda *args: -1.0,
    "True": lambda *args: True,
    "False": lambda *args: False,
    "[]": lambda *args: [],
    "nan": lambda *args: math.nan,
    "inf": lambda *args: math.inf,
    "first argument": first,
    "first argument, negated": lambda *args: -first(*args),
    "last argument": lambda *args: args[-1],
    "zeros": lambda *args: torch.zeros_like(first(*args)),
    "ones": lambda *args: torch.ones_like(first(*args)),
    "number of rows": lambda *args: len(first(*args)),
    "a graph of zeros": lambda *args: first(*args) * 0,
    "a pair of zeros": lambda *args: (torch.zeros_like(first(*args)),) * 2,
    "two arguments": lambda *args: args[:2],
    "a layer that does nothing": lambda *args: torch.nn.Identity(),
    "an argument in place": lambda *args: first(*args).detach().mul_(0),
}

KEYS = registry.keys()
UNTRAINED = [key for key in KEYS if registry.find(key).reached is None]

# What earns points today, by key and kind of nothing. It must become empty.
KNOWN: dict[str, dict[str, float]] = {}


@functools.lru_cache(maxsize=2)
def cases_of(key):
    return registry.find(key).make_cases(np.random.default_rng(SEED), hidden=True)


@pytest.fixture(autouse=True)
def _said(monkeypatch):
    """Points are counted here, and what is said of a criterion that fails costs more than they do."""

    def failed(problem, criterion, trials):
        own = [trial for trial in trials if trial.case.criterion == criterion.id]
        return None if all(trial.passed for trial in own) else diagnosis.Diagnosis("failed", "")

    monkeypatch.setattr(verdict, "diagnose", failed)


def grade(key, function):
    problem, cases = registry.find(key), cases_of(key)
    return verdict.assess(problem, cases, observe_all(function, problem.request(cases)))


def content(value):
    """Bytes of an argument, whether tensor, module, array or number."""
    if isinstance(value, torch.nn.Module):
        return tuple(content(parameter) for parameter in value.parameters())
    if isinstance(value, torch.Tensor | np.ndarray):
        array = np.asarray(value.detach() if isinstance(value, torch.Tensor) else value)
        return array.dtype.str, array.shape, array.tobytes()
    return repr(value)


def by_heart(key):
    """A function that knows the answers to the public cases and to no others."""
    problem = registry.find(key)
    cases = problem.make_cases(np.random.default_rng(public_seed(key)))
    answers = {}

    def remember(*args):
        answers[tuple(map(content, args))] = current
        raise ValueError

    for case in cases:
        expected = problem.reference(case)
        names = case.options.get("outputs", ["value"])
        current = [torch.from_numpy(np.array(expected[name])) for name in names] if names[0] in expected else None
        observe_all(remember, problem.request([case]))

    def known(*args):
        found = answers.get(tuple(map(content, args)))
        return None if found is None else tuple(found) if len(found) > 1 else found[0]

    return known


def released(course_root):
    """Functions as they are handed out, by key."""
    found = {}
    for path in sorted(course_root.glob("exercises/*/*.ipynb")):
        problem_set = path.stem.split("_")[0]
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code" and cell["metadata"].get("nbgrader", {}).get("solution"):
                found |= {f"{problem_set}.{name}": code for name, code in definitions("".join(cell["source"])).items()}
    return found


def definitions(source):
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return {}
    return {node.name: ast.unparse(node) for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("key", KEYS)
def test_nothing_earns_nothing(key):
    earned = {name: grade(key, function).points for name, function in NOTHING.items()}
    known = {name: points for name, points in KNOWN.get(key, {}).items() if name in NOTHING}
    assert {name: points for name, points in earned.items() if points} == known


@pytest.mark.parametrize("key", UNTRAINED)
def test_public_answers_by_heart_earn_nothing(key):
    function = by_heart(key)
    points = grade(key, function).points
    assert points == KNOWN.get(key, {}).get("by heart", 0.0)


@pytest.mark.parametrize("key", KEYS)
def test_what_is_handed_out_earns_nothing(key, course_root):
    code = released(course_root).get(key)
    if code is None:
        pytest.skip("the notebook hands out no function of this name")
    namespace = {}
    exec(SET_UP + code, namespace)
    function = namespace[key.split(".")[1]]
    earned = 0.0 if is_stub(function) else grade(key, function).points
    assert earned == KNOWN.get(key, {}).get("handed out", 0.0)
