"""The house style, as far as a machine can tell: ruff, complete docstrings, short functions, no printing."""

import ast
import importlib
import inspect
import pkgutil
import statistics
from pathlib import Path

import pytest
from numpydoc.docscrape import NumpyDocString

import wgan_course
from wgan_course.book import lint

PACKAGE = Path(wgan_course.__file__).parent
# The command line's docstrings are what --help prints; problems and observers are data, described by their own fields.
TOLD_ELSEWHERE = ("wgan_course.cli", "wgan_course.grading.problems", "wgan_course.grading.observers")
# Nobody imports the inside of the grader but the grader: a sentence for each function is enough there, but for these.
INSIDE = "wgan_course.grading."
STUDENTS_CALL = {"wgan_course.grading.check.check", "wgan_course.grading.reference.or_reference"}


def modules():
    found = [module.name for module in pkgutil.walk_packages([str(PACKAGE)], "wgan_course.")]
    return [name for name in found if not name.startswith(TOLD_ELSEWHERE) and "._" not in name]


def public_members(module):
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    for name in names:
        member = getattr(module, name, None)
        if getattr(member, "__module__", None) == module.__name__:
            yield name, member


def undocumented(name, function, parameters=True):
    """What a function's docstring leaves out; of a method, or inside the grader, a summary is enough."""
    if not function.__doc__:
        return [f"{name} has no docstring"]
    doc = NumpyDocString(inspect.cleandoc(function.__doc__))
    if not doc["Summary"]:
        return [f"{name} has no summary"]
    if not parameters:
        return []
    told = {part.strip().lstrip("*") for entry in doc["Parameters"] for part in entry.name.split(",")}
    wanted = {key for key in inspect.signature(function).parameters if key not in {"self", "cls"}}
    return [f"{name} does not describe {key}" for key in sorted(wanted - told)]


def functions_of(name, member):
    if inspect.isfunction(member):
        yield name, member
    elif inspect.isclass(member):
        for key, value in vars(member).items():
            plain = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            if inspect.isfunction(plain) and not key.startswith("_"):
                yield f"{name}.{key}", plain


def test_ruff_finds_nothing(course_root):
    assert lint.style(course_root) == []


@pytest.mark.parametrize("name", modules())
def test_docstrings_are_complete(name):
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    missing = []
    for key, member in public_members(module):
        if inspect.isclass(member) and not member.__doc__:
            missing.append(f"{key} has no docstring")
        for function_name, function in functions_of(key, member):
            full = f"{name}.{function_name}"
            whole = full in STUDENTS_CALL or ("." not in function_name and not name.startswith(INSIDE))
            missing += undocumented(full, function, whole)
    assert missing == []


def test_an_incomplete_docstring_is_found():
    def told(x, y):
        """Add.

        Parameters
        ----------
        x : float
        """

    assert undocumented("told", told) == ["told does not describe y"]
    assert undocumented("bare", lambda x: x) == ["bare has no docstring"]


def lengths(folder):
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield code_lines(node), f"{file.relative_to(folder)}:{node.name}"


def code_lines(function):
    """Lines from the first statement after the docstring to the end, and the line of the name."""
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return 1 + body[-1].end_lineno - body[0].lineno + 1


def test_functions_are_short():
    measured = sorted(lengths(PACKAGE))
    assert statistics.median(length for length, _ in measured) <= 10
    assert [name for length, name in measured if length > 60] == []


def test_the_library_does_not_print(course_root):
    printing = []
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"print", "breakpoint"}:
                printing.append(f"{file.relative_to(course_root)}:{node.lineno}")
    assert printing == []


def test_nothing_is_left_to_do(course_root):
    words = ("TO" + "DO", "FIX" + "ME", "X" * 3)
    found = [
        f"{file.relative_to(course_root)}: {word}"
        for file in sorted(PACKAGE.rglob("*.py"))
        for word in words
        if word in file.read_text(encoding="utf-8")
    ]
    assert found == []


def test_importing_the_package_imports_nothing_heavy():
    import subprocess
    import sys

    code = "import sys, wgan_course; print(sorted({'torch', 'numpy', 'matplotlib', 'scipy', 'ot'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
