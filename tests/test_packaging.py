"""What is installed: the wheel imports alone, each command names the extra it lacks, what is used is declared."""

import ast
import functools
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import wgan_cli

PACKAGES = ("wgan_course", "wgan_grader", "wgan_cli")
PROVIDERS = importlib.metadata.packages_distributions()
# What is installed for something else than an import: the file that says for what, and the word there.
NOT_IMPORTED = {
    "jupyterlab": ("wgan_cli/app.py", '"-m", "jupyterlab"'),
    "ipykernel": ("wgan_grader/sandbox.py", "ipykernel_launcher"),
    "sphinx-proof": ("_config.yml", "sphinx_proof"),
    "sphinx-exercise": ("_config.yml", "sphinx_exercise"),
    "sphinxcontrib-bibtex": ("_config.yml", "bibtex_bibfiles"),
    "pytest-xdist": ("tools/test.sh", "--dist"),
    "pytest-timeout": ("pyproject.toml", "timeout = "),
    "codespell": ("tools/book/words.py", "codespell_lib"),
    "ruff": ("tools/book/lint.py", '"-m", "ruff"'),
    "setuptools": ("pyproject.toml", "setuptools.build_meta"),
    "dask": ("book/appendices/instructors.md", "[cluster]"),
    "psycopg2-binary": ("book/appendices/instructors.md", "[postgres]"),
}
# Hides from a process every module that no package of a given set installs, as in an environment with these alone.
HIDING = """
import json, os
from importlib.machinery import PathFinder

hidden, find = set(json.loads(os.environ["HIDDEN_MODULES"])), PathFinder.find_spec
PathFinder.find_spec = staticmethod(
    lambda name, path=None, target=None: None if name.partition(".")[0] in hidden else find(name, path, target)
)
"""


@pytest.fixture(scope="module")
def declared(course_root):
    """Requirements by extra, the core's under the empty name; what an extra takes from others is put in."""
    project = tomllib.loads((course_root / "pyproject.toml").read_text())["project"]
    lists = {"": project["dependencies"], **project["optional-dependencies"]}

    def of(extra):
        asked = [Requirement(line) for line in lists[extra]]
        own = {canonicalize_name(one.name) for one in asked if one.name != "wgan-course"}
        return own.union(*(of(other) for one in asked if one.name == "wgan-course" for other in one.extras))

    return {extra: of(extra) for extra in lists}


def installed_with(names):
    """Names of the distributions that installing some brings along, by their metadata in this environment."""
    found, waiting = set(), [Requirement(name) for name in names]
    while waiting:
        asked = waiting.pop()
        key = canonicalize_name(asked.name), frozenset(asked.extras)
        if key in found:
            continue
        found.add(key)
        try:
            lines = importlib.metadata.requires(asked.name) or ()
        except importlib.metadata.PackageNotFoundError:
            continue
        needed = [Requirement(line) for line in lines]
        waiting += [
            one for one in needed
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *asked.extras))
        ]  # fmt: skip
    return {name for name, _ in found}


@functools.cache
def hidden_modules(names):
    """Top-level modules of this environment that installing these requirements would not bring."""
    kept = installed_with(names)
    return [
        module for module, owners in PROVIDERS.items()
        if not {canonicalize_name(owner) for owner in owners} & {*kept, "wgan-course"}
    ]  # fmt: skip


@pytest.fixture(scope="module")
def wheel(course_root, tmp_path_factory):
    """The wheel, built from what git has and nothing else."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=course_root, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if name.startswith(("wgan_", "tools/", "pyproject", "README", "LICENSE", "THIRD")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(course_root / name, source / name)
    build = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"  # as pip does, once
    subprocess.run([sys.executable, "-c", build, out], cwd=source, check=True, capture_output=True, text=True)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def run(wheel, declared, tmp_path_factory):
    """Runs Python on the installed wheel beside the core and some extras, far from the checkout."""
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (site / "sitecustomize.py").write_text(HIDING)

    def python(*arguments, extras=(), cwd=site):
        hidden = hidden_modules(frozenset().union(*(declared[extra] for extra in ("", *extras))))
        environment = os.environ | {"PYTHONPATH": str(site), "HIDDEN_MODULES": json.dumps(hidden)}
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    python.site = site
    return python


def test_the_wheel_holds_the_three_packages_with_their_data(wheel, course_root):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=course_root, capture_output=True, text=True, check=True)
    assert held == set(listed.stdout.split())


IMPORT_ALL = """
import importlib, pkgutil, sys
import wgan_course, wgan_grader.own
for module in pkgutil.walk_packages(wgan_course.__path__, "wgan_course."):
    importlib.import_module(module.name)
print(wgan_course.__file__)
for name in ("torch", "scipy", "ot", "matplotlib", "torchvision", "typer", "nbgrader", "sklearn"):
    try:
        importlib.import_module(name)
        print(name)
    except ModuleNotFoundError:
        pass
"""


def test_every_module_imports_with_the_core_alone_while_what_it_does_not_bring_is_hidden(run):
    ran = run("-c", IMPORT_ALL)
    assert ran.returncode == 0, ran.stderr
    place, *brought = ran.stdout.splitlines()
    assert Path(place).is_relative_to(run.site)
    assert brought == ["torch", "scipy", "ot"]


PROBLEM_SET = "exercises/ps01_js_saturation/ps01_js_saturation.ipynb"


@pytest.mark.parametrize(
    ("words", "extras", "missing", "extra"),
    [
        ("--help", (), "typer", "cli"),
        ("train --data eight-gaussians", (), "typer", "cli"),
        ("train --data eight-gaussians", ("cli",), "torchvision", "images"),
        ("lab", ("cli",), "jupyterlab", "lab"),
        (f"check {PROBLEM_SET}", ("cli",), "nbformat", "lab"),
        ("check", ("cli",), "babel", "book"),
        ("grade ps01_js_saturation", ("cli",), "psutil", "grade"),
        ("grade ps01_js_saturation", ("lab",), "nbgrader", "grade"),
        ("release", ("lab",), "nbgrader", "grade"),
        ("book", ("cli", "figures", "images"), "jupyter_book", "book"),
    ],
)
def test_each_command_names_the_extra_that_it_lacks(run, course_root, words, extras, missing, extra):
    ran = run("-m", "wgan_cli", *words.split(), extras=extras, cwd=course_root)
    command = "" if words.startswith("-") else f" {words.split()[0]}"
    said = f"wgan-course{command} needs {missing}: pip install '.[{extra}]' in the course's folder\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", said)


def test_the_console_script_is_that_command(run):
    ran = run(run.site / "bin" / "wgan-course", "--help")
    assert (ran.returncode, ran.stderr) == (1, "wgan-course needs typer: pip install '.[cli]' in the course's folder\n")


def test_a_module_that_no_extra_brings_keeps_its_traceback(monkeypatch):
    def fail():
        raise ModuleNotFoundError("No module named 'nobody'", name="nobody")

    monkeypatch.setattr("wgan_cli.app.main", fail)
    with pytest.raises(ModuleNotFoundError, match="nobody"):
        wgan_cli.main()


# -- what is used and what is declared -----------------------------------------------------------------


@functools.cache
def third_party(folder, top_only=False):
    """Modules of other projects that a folder's files import, by their first name."""
    found = set()
    ours = {*PACKAGES, "tools", "tests", "benchmarks", "demo_class", "hostile", "experiments"}
    for file in [folder] if folder.is_file() else folder.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in tree.body if top_only else ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            found |= {name.split(".")[0] for name in names} - ours - sys.stdlib_module_names
    return found


def distributions(modules):
    """Distributions that install these modules here, the module's own name where nothing does."""
    return {module: {canonicalize_name(owner) for owner in PROVIDERS.get(module, [module])} for module in modules}


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("wgan_course", ("", "figures", "images", "lab")),
        ("wgan_grader", ("", "grade", "cluster")),
        ("wgan_cli", ("", "cli")),
        ("tools", ("", "book", "test")),
        ("benchmarks", ("all",)),
        ("book", ("all",)),
        ("tests", ("", "all")),
    ],
)
def test_what_is_imported_is_declared(course_root, declared, folder, extras):
    known = set().union(*(declared[extra] for extra in ("", *extras)))
    used = distributions(third_party(course_root / folder))
    assert {module for module, owners in used.items() if not owners & known} == set()


def test_the_library_imports_at_its_top_the_core_alone(course_root, declared):
    for file in (course_root / "wgan_course").rglob("*.py"):
        used = distributions(third_party(file, top_only=True))
        assert {name for name, owners in used.items() if not owners & declared[""]} == set(), file.name


def test_what_is_declared_is_used(course_root, declared):
    folders = (*PACKAGES, "tools", "tests", "benchmarks", "book")
    used = set().union(
        *distributions({name for folder in folders for name in third_party(course_root / folder)}).values()
    )
    unused = set().union(*declared.values()) - used
    assert unused == NOT_IMPORTED.keys() & unused
    for name in unused:
        file, word = NOT_IMPORTED[name]
        assert word in (course_root / file).read_text(), name


def test_exact_versions_stand_in_the_lock_alone(course_root):
    project = tomllib.loads((course_root / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(line for lines in project["optional-dependencies"].values() for line in lines)]
    assert [line for line in asked if "==" in line] == []
    assert project["requires-python"] == ">=3.11"


def test_every_name_under_which_a_module_is_installed_is_right():
    for module, name in wgan_cli.INSTALLED_AS.items():
        assert name in {canonicalize_name(owner) for owner in PROVIDERS[module]}
    for module in ("jupyter_client", "IPython", "myst_nb", "sphinx_external_toc", "torch"):
        assert wgan_cli.extras_of(module)
