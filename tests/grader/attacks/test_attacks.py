"""One class full of attackers between two honest students: every score is the true one, nothing else changes."""

import functools
import re
import shutil
from concurrent.futures import ProcessPoolExecutor
from html import unescape
from multiprocessing import get_context

import psutil
import pytest
from demo_class import KEY, NAME, PROOF, RIGHT, answered, grade_at_once, hand_in, make_course
from hostile import ATTACKS

from wgan_grader import own, pipeline, registry, verdict
from wgan_grader.execution import Settings
from wgan_grader.sandbox import Limits

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap"),
]
LIMITS = Limits(memory=2**30, processes=48, folder=2**23, files=200, file_size=2**23, temporary=2**23, wall=120)
SETTINGS = Settings(limits=LIMITS, cell_timeout=4, grace=3.0)  # as long as a full memory takes on a busy machine
HONEST = ("aaa honest", "zzz honest")
SECRET = "hunter2-of-the-grader"
# The second class has those of whom it is the reading that counts, and needs no sandbox.
CLASSES = {name: [one for one in ATTACKS if one.packed == (name == "packed")] for name in ("sandbox", "packed")}


def member(name, *values, of=""):
    """Parameter of a test that belongs to one class of attackers."""
    return pytest.param(name, *values, id=of or name, marks=pytest.mark.xdist_group(name))


each_class = pytest.mark.parametrize("name", [member(name) for name in CLASSES])
each_attack = pytest.mark.parametrize(
    ("name", "attack"),
    [member(name, attack, of=attack.name) for name, attacks in CLASSES.items() for attack in attacks],
)


@pytest.fixture(scope="module")
def graded_class(tmp_path_factory):
    """Grade a class of attackers when it is first asked for, and never again."""
    return functools.cache(lambda name: grade_class(name, tmp_path_factory.mktemp("course")))


@pytest.fixture
def aftermath(graded_class, name):
    """Course, summary by student, and what was there before, of one class."""
    return graded_class(name)


def grade_class(name, folder):
    """Grade one class of attackers between two honest students."""
    root = make_course(folder)
    pipeline.release(root)
    for student in HONEST:
        hand_in(root, student, answered(root, RIGHT, PROOF))
    for attack in CLASSES[name]:
        attack.build(root, attack.name)
    watched = [root / "solutions", root / "submitted", root / "exercises", root / "nbgrader_config.py"]
    before = {path: pipeline.hash_tree(path) for path in watched}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PASSWORD", SECRET)
        run = grade_at_once if name == "packed" else grade_in_sandboxes
        summary = run(root)
    return root, {row.student: row for row in summary.rows}, before


def grade_in_sandboxes(root):
    """Grade as an instructor would, within small limits; two at once, by forks of this process, whose imports are done.

    For `grade` it is one worker: what runs out of time does so once, and not once more alone.
    """
    with ProcessPoolExecutor(2, get_context("fork")) as executor:
        return pipeline.grade(root, NAME, settings=SETTINGS, executor=executor)


def test_there_are_at_least_forty():
    assert len(ATTACKS) >= 40
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert all(attack.tries for attack in ATTACKS)
    assert sum(map(len, CLASSES.values())) == len(ATTACKS)


@each_attack
def test_true_score_or_clear_diagnosis(aftermath, name, attack):
    root, rows, _ = aftermath
    row = rows[attack.name]
    assert row.status != "failed", row.diagnosis
    assert row.score == attack.score
    page = (root / "feedback" / attack.name / NAME / f"{NAME}.html").read_text()
    assert attack.says in page or attack.says in row.diagnosis


@each_class
def test_honest_scores_are_unchanged(aftermath, name):
    assert [aftermath[1][student].score for student in HONEST] == [3.0, 3.0]


@each_class
def test_not_a_byte_has_changed(aftermath, name):
    root, _, before = aftermath
    assert {path: pipeline.hash_tree(path) for path in before} == before
    assert not (root / "pwned").exists()
    assert not (root / "autograded" / "me").exists()


@each_class
def test_nobody_is_left_running(aftermath, name):
    """Processes of this worker only: another one may be in the middle of its own class."""
    below = [" ".join(_words(process)) for process in psutil.Process().children(recursive=True)]
    assert [line for line in below if "bwrap" in line or "wgan-left-behind" in line] == []
    mine = [process for process in psutil.process_iter(["cmdline", "ppid"]) if _was_left_behind(process)]
    assert mine == []


def _words(process):
    """What it was started with; nothing of one that has ended and nobody has asked about yet."""
    try:
        return process.cmdline()
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return []


def _was_left_behind(process):
    """Whether it is the sleeper of `harm-daemon` outside of any sandbox, where nobody watches it."""
    line = " ".join(process.info["cmdline"] or [])
    return "wgan-left-behind" in line and not any("bwrap" in parent.name() for parent in process.parents())


@each_class
def test_feedback_has_no_active_markup_and_no_secrets(aftermath, name):
    root, rows, _ = aftermath
    pages = {name: (root / "feedback" / name / NAME / f"{NAME}.html").read_text() for name in rows}
    words = ("<script>stolen", "<img src=x", 'href="javascript', "\\href{javascript", SECRET)
    assert [(name, word) for name, page in pages.items() for word in words if word in page] == []


@each_class
def test_feedback_shows_no_inputs_but_those_that_everybody_has(aftermath, name):
    root, rows, _ = aftermath
    inputs = [case.inputs for case in own.public_cases(registry.find(KEY))]
    public = {", ".join(f"{key}={verdict._value(value)}" for key, value in given.items()) for given in inputs}
    pages = [unescape((root / "feedback" / student / NAME / f"{NAME}.html").read_text()) for student in rows]
    shown = {words for page in pages for words in re.findall(r"smallest failing input: ([^<\n]*)", page)}
    assert shown
    assert shown <= public


@each_class
def test_links_are_not_followed(aftermath, name):
    root, rows, _ = aftermath
    steps = [root / step / student / NAME for step in ("autograded", "feedback") for student in rows]
    names = {path.name for folder in steps for path in folder.iterdir()}
    assert names <= {f"{NAME}.ipynb", f"{NAME}.html", "timestamp.txt", "mathjax.js"}
