"""Marking by hand: the scheme stands in the formgrader's page alone, and no page asks another place for MathJax."""

import json

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from tests.fixtures.demo_class import NAME, PROOF, RIGHT, answered, make_course, solution_notebook
from wgan_grader import handmarking
from wgan_grader.course import _load_config

SCHEME = "The scheme: *two points* for $\\log x\\le x-1$."
FORMGRADER = {"submission_id": "x", "assignment_id": NAME, "notebook_id": NAME, "index": 0, "total": 1, "base_url": ""}
FORMGRADER |= {"student": "ann", "last_name": "", "first_name": "", "notebook_path": ""}


@pytest.fixture
def course(tmp_path):
    """A course whose solution has a marking scheme, and an answer as autograde leaves it."""
    root = make_course(tmp_path)
    notebook = solution_notebook()
    notebook.cells[-1].source = SCHEME
    for folder in ("solutions", "exercises"):
        (root / folder / NAME).mkdir(parents=True, exist_ok=True)
        (root / folder / NAME / f"{NAME}.ipynb").write_text(json.dumps(notebook))
    return root


def page_of(root, template, resources, proof=PROOF):
    """The page that nbgrader's exporter makes with the course's own configuration."""
    config = _load_config(root)
    config.HTMLExporter.template_name = template
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    page, _ = HTMLExporter(config=config).from_notebook_node(answered(root, RIGHT, proof), resources=resources)
    return page


def test_the_scheme_stands_below_the_answer_in_the_formgrader(course, monkeypatch):
    monkeypatch.setattr(handmarking, "_mathjax", lambda root: None)
    handmarking.mathjax_source.cache_clear()
    page = page_of(course, "formgrade", FORMGRADER)
    assert page.index("Jensen") < page.index("Marking scheme") < page.index("two points")
    assert page.count("Marking scheme") == 1, "functions have no scheme"
    assert "cdnjs" not in page
    assert 'src="http' not in page
    handmarking.mathjax_source.cache_clear()


def test_no_heading_of_a_student_s_takes_the_place_of_a_box_for_points(course, monkeypatch):
    """The page's scripts find the boxes by their ids, and the first element of an id is the one that is found."""
    monkeypatch.setattr(handmarking, "_mathjax", lambda root: None)
    handmarking.mathjax_source.cache_clear()
    config = {"nbgrader": {"assignment": NAME, "notebook": NAME, "student": "ann"}}
    page = page_of(course, "formgrade", FORMGRADER | config, proof="# proof\n\n# check-ps01-kl\n\n# statusmessage")
    assert page.count("proof</h1>") == 1
    for name in ("proof", "check-ps01-kl", "statusmessage"):
        assert page.count(f'id="{name}"') == 1
    handmarking.mathjax_source.cache_clear()


def test_no_other_page_has_the_scheme(course):
    exporter = handmarking.MarkingScheme(config=Config({"CourseDirectory": {"root": str(course)}}))
    nb = answered(course, RIGHT, PROOF)
    found, _ = exporter.preprocess(nb, {"nbgrader": {"assignment": NAME, "notebook": NAME, "student": "ann"}})
    assert SCHEME not in json.dumps(found)
    assert len(found.cells) == 5
    (course / "solutions" / NAME / f"{NAME}.ipynb").unlink()
    assert len(exporter.preprocess(nb, FORMGRADER)[0].cells) == 5, "without a solution there is none"


def test_mathjax_is_in_the_formgraders_page_and_may_load_nothing(course, tmp_path, monkeypatch):
    source = tmp_path / "tex-svg.js"
    source.write_text("let text = '</script><p>';")
    monkeypatch.setattr(handmarking, "_mathjax", lambda root: source)
    handmarking.mathjax_source.cache_clear()
    page = page_of(course, "formgrade", FORMGRADER)
    assert "let text = '<\\/script><p>';" in page
    assert '"[-]": ["autoload", "require"]' in page
    handmarking.mathjax_source.cache_clear()


def test_mathjax_is_laid_beside_feedback_once_for_all(course, monkeypatch):
    source = course / "tex-svg.js"
    source.write_text("ours")
    config = Config({"CourseDirectory": {"root": str(course)}})
    places = [course / "feedback" / student / NAME for student in ("ann", "ben")]
    places[0].mkdir(parents=True)  # of one who handed in nothing but the notebook there is no folder yet
    (places[0] / "mathjax.js").mkdir()
    for found in (source, None):
        monkeypatch.setattr(handmarking, "_mathjax", lambda root, found=found: found)
        for student in ("ann", "ben"):
            names = {"student": student, "assignment": NAME, "notebook": NAME}
            handmarking.BringMathJax(config=config).preprocess(nbformat.v4.new_notebook(), {"nbgrader": names})
        files = [place / "mathjax.js" for place in places]
        assert [file.exists() and file.read_text() for file in files] == ["ours" if found else False] * 2
        assert not found or files[0].samefile(files[1])


def test_a_feedback_page_asks_its_own_folder(course):
    config = _load_config(course)
    config.HTMLExporter.template_name = "feedback"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    environment = HTMLExporter(config=config).environment
    macro = str(environment.get_template("mathjax.html.j2").module.mathjax())
    assert 'src="mathjax.js"' in macro
    assert "http" not in macro
