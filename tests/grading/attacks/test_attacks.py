"""One class full of attackers between two honest students: every score is the true one, nothing else changes."""

import shutil

import psutil
import pytest
from demo_class import NAME, PROOF, RIGHT, answered, hand_in, make_course
from hostile import ATTACKS

from wgan_course.grading import pipeline
from wgan_course.grading.execution import Settings
from wgan_course.grading.sandbox import Limits

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap"),
]
LIMITS = Limits(
    memory=3 * 2**29, processes=64, folder=32 * 2**20, files=400, file_size=24 * 2**20, temporary=2**25, wall=60
)
SETTINGS = Settings(limits=LIMITS, cell_timeout=5, grace=2.0)
HONEST = ("aaa honest", "zzz honest")


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory):
    """Grade the class once; returns the course, the summary by student, and what was there before."""
    root = make_course(tmp_path_factory.mktemp("course"))
    pipeline.release(root)
    for student in HONEST:
        hand_in(root, student, answered(root, RIGHT, PROOF))
    for attack in ATTACKS:
        attack.build(root, attack.name)
    watched = [root / "solutions", root / "submitted", root / "exercises", root / "nbgrader_config.py"]
    before = {path: pipeline.hash_tree(path) for path in watched}
    summary = pipeline.grade(root, NAME, settings=SETTINGS, workers=2)
    return root, {row.student: row for row in summary.rows}, before


def test_there_are_at_least_forty():
    assert len(ATTACKS) >= 40
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert all(attack.tries for attack in ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_true_score_or_clear_diagnosis(attack, aftermath):
    root, rows, _ = aftermath
    row = rows[attack.name]
    assert row.status != "failed", row.diagnosis
    assert row.score == attack.score
    page = (root / "feedback" / attack.name / NAME / f"{NAME}.html").read_text()
    assert attack.says in page or attack.says in row.diagnosis


@pytest.mark.parametrize("student", HONEST)
def test_honest_scores_are_unchanged(student, aftermath):
    assert aftermath[1][student].score == 3.0


def test_not_a_byte_has_changed(aftermath):
    root, _, before = aftermath
    assert {path: pipeline.hash_tree(path) for path in before} == before
    assert not (root / "pwned").exists()
    assert not (root / "autograded" / "me").exists()


def test_nobody_is_left_running(aftermath):
    names = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not [name for name in names if "wgan-left-behind" in name]
    assert not [name for name in psutil.Process().children(recursive=True) if "bwrap" in name.name()]


def test_feedback_has_no_script_and_no_inputs(aftermath):
    root, rows, _ = aftermath
    for student in rows:
        page = (root / "feedback" / student / NAME / f"{NAME}.html").read_text()
        assert "<script>stolen()" not in page
        assert "smallest failing input" not in page


def test_links_are_not_followed(aftermath):
    root, _, _ = aftermath
    for step in ("autograded", "feedback"):
        names = {path.name for path in (root / step / "harm-links" / NAME).iterdir()}
        assert names <= {f"{NAME}.ipynb", f"{NAME}.html", "timestamp.txt"}
