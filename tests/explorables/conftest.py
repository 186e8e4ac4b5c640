"""Runs node's tests of the live figures, and opens each figure alone in Chromium."""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from tools.book import assets, explorables

HERE = Path(__file__).parent
SCREEN = {"width": 1000, "height": 1200}
COUNT = re.compile(r"^(?:#|ℹ) (pass|fail|skipped) (\d+)$", re.MULTILINE)


@pytest.fixture(scope="session")
def run_node():
    """Runs one file of node's tests; returns how many passed, failed and were skipped."""
    node = assets.find_node()
    if node is None:
        pytest.skip("needs node")

    def run(name, check=True, **environment):
        ran = subprocess.run(
            [node, "--test", str(HERE / name)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | environment,
        )
        counts = {key: int(value) for key, value in COUNT.findall(ran.stdout)}
        if check and (ran.returncode or counts.get("fail", 1)):
            pytest.fail(ran.stdout[-6000:] + ran.stderr[-2000:], pytrace=False)
        return {"passed": counts["pass"], "failed": counts["fail"], "skipped": counts["skipped"]}

    return run


@pytest.fixture(scope="session")
def trial(course_root, tmp_path_factory):
    """A folder with a page for each figure, and their scripts."""
    folder = tmp_path_factory.mktemp("explorables")
    (course_root / "_build").mkdir(exist_ok=True)
    with FileLock(course_root / "_build" / ".explorables.lock"):
        explorables.write_trial(folder)
    return folder


@pytest.fixture
def open_figure(chromium, trial):
    """Opens a figure alone, from disk and with no network; complaints of the page fail the test in the end."""
    contexts, complaints = [], []

    def open_it(name, query="", **options):
        contexts.append(
            chromium.new_context(**({"viewport": {"width": 1000, "height": 1200}, "offline": True} | options))
        )
        page = contexts[-1].new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(("file:", "blob:")) or complaints.append(asked.url))
        page.goto((trial / f"{name}.html").as_uri() + query)
        page.wait_for_selector("[data-still]", timeout=60_000)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def numbers_in(text):
    """All numbers of a sentence, minus signs included."""
    return [float(found.replace("−", "-")) for found in re.findall(r"[−-]?\d+(?:\.\d+)?", text)]


@pytest.fixture
def said():
    """The numbers of a figure's read-out."""
    return lambda page: np.array(numbers_in(page.locator(".explorable-said").text_content()))
