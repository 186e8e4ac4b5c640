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
import wgan_grader
from tools.book import lint

LIBRARY = Path(wgan_course.__file__).parent
GRADER = Path(wgan_grader.__file__).parent
# Problems and observers are data, described by their own fields.
TOLD_ELSEWHERE = ("wgan_grader.problems", "wgan_course.check.observers")
# Inside the check and the grader a sentence for each function is enough, but for what students call.
INSIDE = ("wgan_course.check.", "wgan_grader.")
ARRAYS = ("Tensor", "NDArray", "ArrayLike", "ndarray")


def modules():
    found = [module.name for module in pkgutil.walk_packages([str(LIBRARY)], "wgan_course.")]
    found += [module.name for module in pkgutil.walk_packages([str(GRADER)], "wgan_grader.")]
    return [name for name in found if not name.startswith(TOLD_ELSEWHERE) and "._" not in name]


def public_members(module):
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    for name in names:
        member = getattr(module, name, None)
        if getattr(member, "__module__", None) == module.__name__:
            yield name, member


def wanting(name, function, shapes=True):
    """What is wrong with a docstring: none, no summary, an array without its shape, a name of no parameter."""
    if not function.__doc__:
        return [f"{name} has no docstring"]
    doc = NumpyDocString(inspect.cleandoc(function.__doc__))
    if not doc["Summary"]:
        return [f"{name} has no summary"]
    told = {part.strip().lstrip("*"): entry.type for entry in doc["Parameters"] for part in entry.name.split(",")}
    taken = inspect.signature(function).parameters
    found = [f"{name} describes {key}, which it does not take" for key in sorted(set(told) - set(taken))]
    arrays = [key for key, taken_as in taken.items() if any(kind in str(taken_as.annotation) for kind in ARRAYS)]
    return found + [f"{name} does not tell the shape of {key}" for key in arrays if shapes and key not in told]


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
def test_docstrings_say_what_the_signature_does_not(name):
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    missing = []
    for key, member in public_members(module):
        if inspect.isclass(member) and not member.__doc__:
            missing.append(f"{name}.{key} has no docstring")
        for function_name, function in functions_of(key, member):
            if "." not in function_name:  # what overrides a method need not say again what the method does
                missing += wanting(f"{name}.{function_name}", function, not name.startswith(INSIDE))
    assert missing == []


def test_a_wanting_docstring_is_found():
    def told(x, y: "Tensor"):  # noqa: F821
        """Add.

        Parameters
        ----------
        z : float
        """

    assert wanting("told", told) == ["told describes z, which it does not take", "told does not tell the shape of y"]
    assert wanting("bare", lambda x: x) == ["bare has no docstring"]


def docstring_lines(tree):
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    documented = [node for node in ast.walk(tree) if isinstance(node, kinds) and ast.get_docstring(node) is not None]
    return {line for node in documented for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)}


def weights(text):
    """Lines of docstrings, and lines of code without blank ones and comments."""
    documented = docstring_lines(ast.parse(text))
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    code = [line for number, line in lines if line and not line.startswith("#") and number not in documented]
    return len(documented), len(code)


def test_docstrings_weigh_less_than_the_code():
    files = [file for file in LIBRARY.rglob("*.py") if "check" not in file.relative_to(LIBRARY).parts]
    pairs = [weights(file.read_text(encoding="utf-8")) for file in files]
    documented, code = map(sum, zip(*pairs, strict=True))
    assert documented <= 0.8 * code, f"{documented} lines of docstrings over {code} of code"


def test_weights_by_hand():
    assert weights('"""Top.\n\nMore.\n"""\n\n# a comment\nx = 1\n\ndef f():\n    """Do."""\n    return x\n') == (5, 3)


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
    measured = sorted([*lengths(LIBRARY), *lengths(GRADER)])
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
    assert printing(LIBRARY) == printing(GRADER) == []


def test_nothing_is_left_to_do():
    assert left_to_do(LIBRARY) == left_to_do(GRADER) == []


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
    core = [(name, tree) for name, tree in trees(LIBRARY) if not name.startswith("check/")]
    public = [(name, tree) for name, tree in core if "/_" not in f"/{name}"]
    assert [f"{name}: {finding}" for name, tree in public for finding in untold_errors(tree)] == []


def test_an_error_that_is_not_documented_is_found():
    body = (
        'def f(x):\n    """Do.\n\n    Raises\n    ------\n    TypeError\n        Always.\n    """\n    raise {}("x")\n'
    )
    assert list(untold_errors(ast.parse(body.format("TypeError")))) == []
    assert list(untold_errors(ast.parse(body.format("ValueError")))) == ["f raises ValueError"]
    method = 'class A:\n    """Be."""\n\n    def __init__(self):\n        raise ValueError("x")\n'
    assert list(untold_errors(ast.parse(method))) == ["__init__ raises ValueError"]


def test_importing_the_package_imports_nothing_heavy():
    import subprocess
    import sys

    code = "import sys, wgan_course; print(sorted({'torch', 'numpy', 'matplotlib', 'scipy', 'ot'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
