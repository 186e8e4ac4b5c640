"""Imports point one way, between the packages and between the rooms of the library; lazy ones count too."""

import ast
import graphlib

import pytest

# Each may import what stands in a line above it, and what is in its own place; not what is beside it in its line.
ROOMS = (
    ("wgan_course.divergences", "wgan_course.norms", "wgan_course.dynamics"),
    ("wgan_course.transport", "wgan_course.objectives", "wgan_course.figures"),
    ("wgan_course.models", "wgan_course.data"),
    ("wgan_course.constraints",),
    ("wgan_course.measures",),
    ("wgan_course.training",),
    ("wgan_course.check",),
    ("wgan_grader",),
    ("tools",),
    ("wgan_cli",),
)
PACKAGES = ("wgan_course", "wgan_grader", "wgan_cli", "tools")
FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}


def room_of(module):
    """The room that a module belongs to; the empty top of the library belongs to none."""
    return next((room for room in FLOOR if module == room or module.startswith(room + ".")), "")


def imports_of(module, tree, package):
    """Dotted names of our own modules that a module's code imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in PACKAGES)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".") if package else module.split(".")[:-1]
            above = ".".join(base[: len(base) - node.level + 1]) if node.level else ""
            target = ".".join(filter(None, [above, node.module]))
            if target.split(".")[0] in PACKAGES:
                yield from (f"{target}.{alias.name}" for alias in node.names)


def modules(root):
    """Every module of the packages: its name, its tree, and whether it is a package."""
    for top in PACKAGES:
        for file in sorted((root / top).rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            package = parts[-1] == "__init__"
            yield ".".join(parts[:-1] if package else parts), ast.parse(file.read_text(encoding="utf-8")), package


def climbing(found):
    """Imports from a room on the same floor or above."""
    for module, tree, package in found:
        here = room_of(module)
        for name in imports_of(module, tree, package):
            there = room_of(name)
            if here and there and here != there and FLOOR[there] >= FLOOR[here]:
                yield f"{module} imports {name}"


def test_imports_point_one_way(course_root):
    assert list(climbing(modules(course_root))) == []


def test_an_import_that_climbs_is_found():
    def of(module, code, package=False):
        return list(climbing([(module, ast.parse(code), package)]))

    assert of("wgan_course.norms.matrices", "def f():\n    from wgan_course.models import mlp") != []
    assert of("wgan_course.norms", "from ..training import loop", package=True) != []
    assert of("wgan_course.check.reference", "from wgan_grader import registry") != []
    assert of("wgan_course.models.mlp", "from wgan_course.data import toy") != []
    assert of("wgan_course.training.loop", "from wgan_course.norms import matrices\nfrom . import config") == []


def at_import(tree):
    """A copy of the tree without the bodies of functions: what runs when the module is imported."""
    kept = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        and not isinstance(node, ast.FunctionDef)
    ]
    return ast.Module(body=kept, type_ignores=[])


def test_no_module_imports_itself_by_a_detour(course_root):
    found = list(modules(course_root))
    names = {module for module, _, _ in found}

    def module_of(name):
        return name if name in names else name.rpartition(".")[0]

    graph = {
        module: {module_of(name) for name in imports_of(module, at_import(tree), package)} - {module}
        for module, tree, package in found
    }
    packages = {module for module, _, package in found if package}
    for module in graph:  # a package's own __init__ gathers names from its modules; they do not count as a detour
        graph[module] -= {name for name in packages if module.startswith(name + ".")}
    graphlib.TopologicalSorter(graph).prepare()


def test_a_detour_is_found():
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()


def test_notebooks_import_the_check_and_nothing_of_the_grader(course_root):
    for notebook in [*(course_root / "exercises").rglob("*.ipynb"), *(course_root / "book").rglob("*.ipynb")]:
        text = notebook.read_text(encoding="utf-8")
        assert "wgan_grader" not in text, notebook.name
        assert "from tools" not in text, notebook.name
