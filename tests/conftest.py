"""For all tests: one thread each, the same examples each time, the built book, and a browser without a network."""

import gc
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

sys.modules["rfc3987_syntax"] = None  # as `wgan_cli.main` does

ROOT = Path(__file__).resolve().parents[1]
# Fixtures that many tests wait for: one worker takes them all. Those that open the built book in a browser take long
# themselves: they are a group by file, and come when the book has been built.
GROUPS = {"built_book": "book", "trial": "explorables", "forked": "sphinx"}
# The first is Chromium without its window, where a new page costs less.
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
NEEDED = {"browser": CHROMIUM, "sandbox": ("bwrap",)}

settings.register_profile(
    "course", deadline=None, derandomize=True, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("course")


def _missing(marker: str) -> bool:
    return not any(map(shutil.which, NEEDED[marker]))


def pytest_configure(config):
    """Let xdist keep the order of `_late`: its own begins with large groups, which then wait for the book."""
    config.option.loadscopereorder = False


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection():
    """Look for no garbage while tests are collected, which takes a quarter less, nor later in what is there then."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_itemcollected(item):
    """Group what shares a slow fixture, or one of its own file, before xdist reads the groups."""
    needed = getattr(item, "fixturenames", ())
    shared = next((group for fixture, group in GROUPS.items() if fixture in needed), None)
    if shared == "book" and item.get_closest_marker("browser"):
        part = getattr(item, "callspec", None) and item.callspec.params.get("part")  # they need not wait for each other
        shared = "-".join(["book", item.path.stem, *([part] if part else [])])
    if shared is None and any(_is_of_file(item, name) for name in needed):
        shared = item.path.stem
    if shared is not None and item.get_closest_marker("xdist_group") is None:
        item.add_marker(pytest.mark.xdist_group(shared))


def _is_of_file(item, name):
    """Whether a fixture is made once for all tests of a file, and by that file."""
    definitions = item._fixtureinfo.name2fixturedefs.get(name, ())
    return any(one.scope == "module" and one.baseid == item.parent.nodeid.split("::")[0] for one in definitions)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Skip what this machine cannot run, unless everything was asked for; begin with what takes longest."""
    for item in items:
        for marker, programs in NEEDED.items():
            if item.get_closest_marker(marker) and _missing(marker) and "WGAN_COURSE_TEST_ALL" not in os.environ:
                item.add_marker(pytest.mark.skip(reason=f"needs one of {', '.join(programs)}"))
        _tell_group(item)
    items.sort(key=_late)


def _late(item):
    """The book, sandboxes, other groups, slow tests, exercises, the book in browsers, others.

    So no long test is left in the end, and none waits for the book, which is built by then.
    """
    group = next((mark.args[0] for mark in item.iter_markers("xdist_group")), "")
    if group == "sandbox":  # one worker takes all of them, and has the process that kernels are forked from
        return 1
    if group.startswith("book-"):
        return 5
    if group:
        return 0 if group == "book" else 2
    if item.get_closest_marker("slow"):
        return 3
    return 4 if item.path.parent.name == "exercises" else 6


def _tell_group(item):
    """Put an item's group into its id, for the scheduler: xdist 3.8 writes it where pytest before 9.2 kept ids."""
    group = "_".join(sorted(mark.args[0] for mark in item.iter_markers("xdist_group")))
    if group and hasattr(item.config, "workerinput") and hasattr(item, "_id"):
        item._id = type(item._id).parse(f"{item.nodeid}@{group}")


@pytest.fixture(scope="session")
def course_root():
    """The course's folder."""
    return ROOT


@pytest.fixture(scope="session")
def built_book(course_root):
    """The folder of the built book, brought up to date first.

    By a process of its own: Sphinx's extensions look at every object of theirs, and some that tests make bite.
    """
    (course_root / "_build").mkdir(exist_ok=True)
    with FileLock(course_root / "_build" / ".lock"):
        ran = subprocess.run(
            [sys.executable, "-m", "wgan_cli", "book"], cwd=course_root, capture_output=True, text=True, check=False
        )
    if ran.returncode:
        pytest.fail(f"the book was not built:\n{ran.stderr[-6000:]}", pytrace=False)
    return course_root / "_build" / "html"


@pytest.fixture(scope="session")
def chromium():
    """A browser that reaches no host."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, NEEDED["browser"])))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def forked(course_root, tmp_path_factory):
    """Runs code as ``python -c`` does, in a fork of one process that has imported Sphinx, which takes seconds.

    A process of its own it must have: Sphinx keeps things in its modules.
    """
    folder = tmp_path_factory.mktemp("forked")
    command = [sys.executable, "-m", "tests.fixtures.fork_server"]
    server = subprocess.Popen(command, cwd=course_root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(code, cwd):
        told = {name: folder / name for name in ("out", "err")}
        job = {"code": code, "cwd": str(cwd), "environment": dict(os.environ)}
        server.stdin.write(json.dumps(job | {name: str(file) for name, file in told.items()}) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        out, err = (file.read_text(encoding="utf-8") for file in told.values())
        return subprocess.CompletedProcess(code, status, out, err)

    yield run
    server.communicate()
