"""The whole road: a student answers in JupyterLab, an instructor grades in the formgrader, the student reads."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fixtures.demo_class import NAME, RIGHT, make_course, solution_notebook
from wgan_cli import teaching
from wgan_grader import pipeline

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.sandbox]
PATIENCE = 120_000
TOKEN = "abc"
SCHEME = "By Jensen, $\\log$ being concave, $-\\mathrm{KL}(p,q)\\le\\log\\sum_i q_i=0$. *Two points.*"
PROOF = "Since $\\log x\\le x-1$, the sum is at most $\\sum_i(q_i-p_i)=0$."
SCRIPT = "\n\n<script>document.title = 'stolen'</script>"
EXTENSIONS = {"jupyter_lsp": False, "jupyter_server_terminals": False, "nbgrader.server_extensions.formgrader": True}
IDLE = "Python 3 (ipykernel) | Idle"  # in the status bar; the sign in the toolbar says so before there is a kernel
SHOTS = os.environ.get("WGAN_COURSE_SHOTS", "")  # a folder for pictures, where somebody wants to look


@pytest.fixture
def course(tmp_path):
    """A released course whose proof has formulas, and the student's copy of it."""
    root = make_course(tmp_path / "course")
    notebook = solution_notebook()
    notebook.cells[-1].source = SCHEME
    (root / "solutions" / NAME / f"{NAME}.ipynb").write_text(json.dumps(notebook))
    pipeline.release(root)
    shutil.copytree(root / "exercises" / NAME, root / "mine")
    return root


@pytest.fixture
def server(course):
    """Address of JupyterLab in the course's folder, with nbgrader's formgrader."""
    runtime = course / ".jupyter"
    settings = {"ServerApp.port": 0, "ServerApp.ip": "127.0.0.1", "ServerApp.root_dir": course}
    settings |= {"IdentityProvider.token": TOKEN, "ServerApp.jpserver_extensions": EXTENSIONS}
    settings |= {"LabApp.news_url": None, "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate"}
    words = ["--no-browser", "--allow-root", *(f"--{name}={value}" for name, value in settings.items())]
    names = ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_SETTINGS_DIR")
    log = course / "server.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *words],
            cwd=course,
            env=os.environ | dict.fromkeys(names, str(runtime)),
            stdout=file,
            stderr=file,
        )
    try:
        yield lambda: address(runtime, process, log)
    finally:
        process.terminate()
        process.wait(timeout=60)


def address(runtime, process, log):
    """Wait for the file in which the server says where it listens."""
    for _ in range(600):
        found = list(runtime.glob("jpserver-*.json"))
        assert process.poll() is None, log.read_text()
        if found and found[0].read_text().endswith("}"):
            return json.loads(found[0].read_text())["url"]
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture
def page(chromium):
    """A page that reaches this machine alone; `page.asked` has what it wanted of others."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.asked = []

    def away(route):
        page.asked.append(route.request.url)
        route.abort()

    context.route(lambda url: not url.startswith(("http://127.0.0.1", "file:", "data:", "blob:")), away)
    page.set_default_timeout(PATIENCE)
    yield page
    context.close()


def shot(page, name):
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def write(page, cell, text):
    """Replace what stands in a cell of the notebook."""
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def answer(page, url):
    """What the student does: write the function and the proof, run all, look at the table, save."""
    page.goto(f"{url}lab/tree/mine/{NAME}.ipynb?token={TOKEN}")
    page.get_by_text(IDLE).wait_for()
    write(page, page.locator(".jp-CodeCell", has_text="def kl"), RIGHT.replace("return", "print('here')\n    return"))
    proof = page.locator(".jp-MarkdownCell", has_text="Write your proof here")
    proof.dblclick()
    write(page, proof, PROOF + SCRIPT)
    page.locator(".lm-MenuBar-item", has_text="Run").click()
    page.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()
    page.wait_for_selector(".wgan-check")
    shot(page, "table")
    table = page.locator(".jp-OutputArea-output", has=page.locator(".wgan-check"))
    assert "3 of 3 points" in table.inner_text()
    assert "here" in table.inner_text(), "what the function prints is shown"
    outputs = page.locator(".jp-CodeCell", has_text="check(").locator(".jp-OutputArea-output")
    assert outputs.count() == 1, "no number stands under the table"
    with page.expect_response(lambda reply: "/api/contents/" in reply.url and reply.request.method == "PUT") as kept:
        page.keyboard.press("Control+s")
    assert kept.value.ok


def hand_in(course, folder):
    """Both sides of a platform: the student's zip, and the instructor's download with the platform's names."""
    notebook = course / "mine" / f"{NAME}.ipynb"
    teaching.submit(notebook, "ann", folder, no_check=True)
    (folder / "download").mkdir()
    (folder / f"{NAME}-ann.zip").rename(folder / "download" / f"leeann_1_2_{NAME}.zip")
    (folder / "class.csv").write_text("id,first_name,last_name\nann,Ann,Lee\n")
    with pytest.raises(teaching.typer.Exit) as ended:
        teaching.collect(folder / "download", folder / "class.csv", "", "UTC", course)
    assert ended.value.exit_code == 0


def grade(course):
    (row,) = pipeline.grade(course, NAME).rows
    return row.score, row.waiting


def grade_by_hand(page, url, points):
    """What the instructor does: read the proof beside the scheme, with its formulas set, and give points."""
    page.goto(f"{url}formgrader/gradebook/{NAME}/{NAME}?token={TOKEN}")
    page.goto(page.locator("a[href*='/formgrader/submissions/']").first.evaluate("one => one.href"))
    page.wait_for_selector("mjx-container")
    said = page.locator("body").inner_text()
    assert "Marking scheme" in said
    assert "Two points" in said
    assert "Σ p log(p/q)" in said, "the table of the check is there too"
    assert page.locator("mjx-merror").count() == 0
    assert page.title() != "stolen"
    shot(page, "formgrader")
    page.wait_for_load_state("networkidle")  # the form listens once it has the grades
    give(page, page.locator("input.score").last, str(points))


def give(page, score, points, tries=6):
    """Type the points; again where the form, on a busy processor, does not listen yet."""
    from playwright.sync_api import TimeoutError as NotYetError

    def kept(reply):
        return (
            "/api/grade/" in reply.url and reply.request.method == "PUT" and points in (reply.request.post_data or "")
        )

    for left in reversed(range(tries)):
        try:
            with page.expect_response(kept, timeout=20_000) as answer:
                for value in ("", points):
                    score.fill(value)
                    score.press("Tab")
            assert answer.value.ok
            return
        except NotYetError:
            assert left, "the form never kept the points"


def read(page, path):
    """What the student sees of the feedback, from disk, on a telephone."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(path.as_uri())
    page.wait_for_selector("mjx-container")
    assert page.locator("mjx-merror").count() == 0
    assert page.title() != "stolen"
    shot(page, "feedback")
    return page.locator("body").inner_text()


def test_a_student_and_an_instructor(server, course, page, tmp_path):
    url = server()
    answer(page, url)
    hand_in(course, tmp_path)
    assert grade(course) == (3.0, True)
    grade_by_hand(page, url, 1.5)
    assert grade(course) == (4.5, False)
    said = read(page, course / "feedback" / "ann" / NAME / f"{NAME}.html")
    assert "4.5 / 5.0" in said
    assert "Marking scheme" not in said
    teaching.report(NAME, None, tmp_path / "reports", course, "")
    page.goto((tmp_path / "reports" / f"{NAME}.html").as_uri())
    shot(page, "report")
    assert "4.5" in page.locator("body").inner_text()
    assert page.asked == []
