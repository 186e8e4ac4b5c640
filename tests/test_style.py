"""The house style, as far as a machine can tell: ruff, complete docstrings, short functions, no printing."""

import ast
import importlib
import inspect
import io
import pkgutil
import statistics
import tokenize
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


def undescribed(name, cls, parameters=True):
    """What a class's docstring leaves out, its constructor's parameters included."""
    if not cls.__doc__:
        return [f"{name} has no docstring"]
    if not parameters or "__init__" not in vars(cls) or getattr(cls, "_is_protocol", False):
        return []
    doc = NumpyDocString(inspect.cleandoc(cls.__doc__))
    entries = [*doc["Parameters"], *doc["Attributes"]]
    told = {part.strip().lstrip("*") for entry in entries for part in entry.name.split(",")}
    wanted = {key for key in inspect.signature(cls.__init__).parameters if key != "self"}
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
        if inspect.isclass(member):
            missing += undescribed(f"{name}.{key}", member, not name.startswith(INSIDE))
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


def test_an_undescribed_constructor_is_found():
    class Told:
        """Be.

        Parameters
        ----------
        x : float
        """

        def __init__(self, x, y):
            pass

    class Bare:
        pass

    assert undescribed("Told", Told) == ["Told does not describe y"]
    assert undescribed("Bare", Bare) == ["Bare has no docstring"]
    assert undescribed("Told", Told, parameters=False) == []


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


def test_lengths_leave_the_docstring_out(tmp_path):
    (tmp_path / "a.py").write_text(
        'def f(x):\n    """One.\n\n    Two.\n    """\n    y = x\n\n    return y\n\n\ndef g(): pass\n'
    )
    assert sorted(lengths(tmp_path)) == [(2, "a.py:g"), (4, "a.py:f")]


def trees(folder):
    for file in sorted(folder.rglob("*.py")):
        yield file.relative_to(folder).as_posix(), ast.parse(file.read_text(encoding="utf-8"))


def printing(folder):
    """Calls of print and breakpoint."""
    return [
        f"{name}:{node.lineno}"
        for name, tree in trees(folder)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"print", "breakpoint"}
    ]


def left_to_do(folder):
    """Words that promise work."""
    words = ("TO" + "DO", "FIX" + "ME", "X" * 3)
    texts = {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in folder.rglob("*.py")}
    return [f"{name}: {word}" for name, text in sorted(texts.items()) for word in words if word in text]


def test_the_library_does_not_print():
    assert printing(PACKAGE) == []


def test_nothing_is_left_to_do():
    assert left_to_do(PACKAGE) == []


def test_prints_and_promises_are_found(tmp_path):
    (tmp_path / "good.py").write_text("import logging\nlogging.info('print(1)')\n")
    assert printing(tmp_path) == left_to_do(tmp_path) == []
    (tmp_path / "bad.py").write_text(f"# {'TO' + 'DO'}: later\nif True:\n    print(1)\n")
    assert printing(tmp_path) == ["bad.py:3"]
    assert left_to_do(tmp_path) == ["bad.py: " + "TO" + "DO"]


# -- errors that are raised and not told ---------------------------------------------------------------


def raised(function):
    """Names of the errors that a function's own body raises, but for private ones."""
    errors = [
        node.exc.func for node in ast.walk(function) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
    ]
    names = {getattr(error, "id", getattr(error, "attr", "")) for error in errors}
    return {name for name in names if not name.startswith("_")}


def told_errors(docstring):
    doc = NumpyDocString(inspect.cleandoc(docstring or ""))
    return {part.strip() for entry in doc["Raises"] for part in (entry.type or entry.name).split(",")}


def untold_errors(tree):
    """Public functions and methods that raise what their docstring (a class's, for its __init__) does not name."""
    owners = {id(part): node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for part in node.body}
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef) or (node.name.startswith("_") and node.name != "__init__"):
            continue
        owner = owners.get(id(node))
        speaker = owner if node.name == "__init__" and owner else node
        for error in sorted(raised(node) - told_errors(ast.get_docstring(speaker))):
            yield f"{node.name} raises {error}"


def test_every_error_that_is_raised_is_documented():
    core = [(name, tree) for name, tree in trees(PACKAGE) if not name.startswith(("grading/", "book/", "cli"))]
    public = [(name, tree) for name, tree in core if "/_" not in name]
    assert [f"{name}: {finding}" for name, tree in public for finding in untold_errors(tree)] == []


def test_an_error_that_is_not_documented_is_found():
    body = (
        'def f(x):\n    """Do.\n\n    Raises\n    ------\n    TypeError\n        Always.\n    """\n    raise {}("x")\n'
    )
    assert list(untold_errors(ast.parse(body.format("TypeError")))) == []
    assert list(untold_errors(ast.parse(body.format("ValueError")))) == ["f raises ValueError"]
    method = 'class A:\n    """Be."""\n\n    def __init__(self):\n        raise ValueError("x")\n'
    assert list(untold_errors(ast.parse(method))) == ["__init__ raises ValueError"]


# -- how much of it is tested --------------------------------------------------------------------------

# A problem of a set is data (cases, texts, wrong versions that its grader must catch), and is its own test in
# tests/exercises/test_mutants.py. Neither is counted here, on either side.
MATERIAL = ("grading/problems/", "grading/observers/", "exercises/")
CORE = ("grading/", "book/", "browser/", "cli", "doctor", "selfcheck", "figures")
SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def docstring_lines(tree):
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    documented = [node for node in ast.walk(tree) if isinstance(node, kinds) and ast.get_docstring(node) is not None]
    return {line for node in documented for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)}


def lines_of_code(text):
    """Lines that hold code: no blank ones, comments or docstrings."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    used = {line for t in tokens if t.type not in SILENT for line in range(t.start[0], t.end[0] + 1)}
    return len(used - docstring_lines(ast.parse(text)))


def counted(folder, without):
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*.py")}
    wanted = [file for name, file in files.items() if not name.removeprefix("test_").startswith(without)]
    return sum(lines_of_code(file.read_text(encoding="utf-8")) for file in wanted)


def test_lines_of_code_by_hand():
    words = ['"""Top.', "", "More.", '"""', "", "import os  # a word", "# a comment", 'x = """a', "", 'b"""', ""]
    text = "\n".join([*words, "def f():", '    """Do."""', "    return (", "        1", "    )", ""])
    assert lines_of_code(text) == 1 + 3 + 1 + 3
    assert lines_of_code('"""Only words."""\n') == 0


@pytest.mark.parametrize("without", [MATERIAL, (*MATERIAL, *CORE)], ids=["all but the problem sets", "the core"])
def test_there_are_three_lines_of_test_for_two_of_the_package(course_root, without):
    package, tests = counted(PACKAGE, without), counted(course_root / "tests", without)
    assert tests >= 1.5 * package, f"{tests} lines of test for {package} of the package"


def test_importing_the_package_imports_nothing_heavy():
    import subprocess
    import sys

    code = "import sys, wgan_course; print(sorted({'torch', 'numpy', 'matplotlib', 'scipy', 'ot'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
