"""The pages of the reference: every room has one, its examples run, and its links lead where they say."""

import doctest
import importlib
import inspect
import pkgutil
import re
from types import SimpleNamespace

import pytest
from docutils import nodes

import wgan_course
from tools.book import reference
from tools.book.lint import LABEL, STATEMENT
from tools.book.pages import text_pages

EXAMPLES = re.compile(r"^```pycon\n(.*?)^```", re.M | re.S)
DOCUMENTED = re.compile(r"^\.\. auto(?:module|class):: (\S+)", re.M)
ROOMS = [m.name for m in pkgutil.iter_modules(wgan_course.__path__) if not m.name.startswith("_")]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("room", ROOMS)
def test_the_examples_of_a_room_give_what_they_show(room, course_root):
    text = (course_root / "book" / "api" / f"{room}.md").read_text(encoding="utf-8")
    test = doctest.DocTestParser().get_doctest("\n".join(EXAMPLES.findall(text)), {}, room, None, 0)
    assert test.examples, f"{room} has no example"
    said = []
    failed = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append).failed
    assert failed == 0, "".join(said)


@pytest.mark.parametrize("room", ROOMS)
def test_a_page_documents_what_its_room_exports(room, course_root):
    text = (course_root / "book" / "api" / f"{room}.md").read_text(encoding="utf-8")
    documented = set(DOCUMENTED.findall(text))
    module = importlib.import_module(f"wgan_course.{room}")
    if getattr(module, "__all__", None) or not hasattr(module, "__path__"):
        assert module.__name__ in documented
    else:
        assert all(name.startswith(module.__name__) for name in documented)
        assert len(documented) >= 3


def library_docstrings():
    for found in pkgutil.walk_packages(wgan_course.__path__, "wgan_course."):
        if "observers" not in found.name:
            yield inspect.getsource(importlib.import_module(found.name))


def test_statements_that_docstrings_name_are_in_the_book(course_root):
    blocks = (LABEL.search(body) for _, text in text_pages(course_root) for _, body in STATEMENT.findall(text))
    known = {next(filter(None, label.groups())) for label in blocks if label}
    named = {label for source in library_docstrings() for label in reference.LABELLED.findall(source)}
    assert len(named) > 20
    assert {label for label in named if not label.startswith("def-")} - known == set()


def test_docstrings_become_links():
    text = "``prop-known``, ``prop-other``, chapter 3 and chapter 13; |x| but not\n\n.. math:: |x|\n\n``|y|`` |z|"
    found = reference.link_docstring(text, {"prop-known"}, {3: "03_duality/chapter"})
    assert found == (
        ":prf:ref:`prop-known`, ``prop-other``, :doc:`chapter 3 </03_duality/chapter>` and chapter 13; "
        "\\|x\\| but not\n\n.. math:: |x|\n\n``|y|`` \\|z\\|"
    )


PLACE = SimpleNamespace(docname="api/transport", node_id="wgan_course.transport.solve")
PYTHON = SimpleNamespace(objects={"wgan_course.transport.solve": PLACE})
# As much of Sphinx as a link needs.
APPLICATION = SimpleNamespace(
    builder=SimpleNamespace(get_relative_uri=lambda _start, page: f"../{page}.html"),
    env=SimpleNamespace(get_domain=lambda _name: PYTHON),
)


@pytest.mark.parametrize(
    ("code", "linked"),
    [
        ("transport.solve", True),
        ("wgan_course.transport.solve(cost)", True),
        ("solve", False),
        ("transport.nothing", False),
        ("x = transport.solve(cost)", False),
    ],
)
def test_code_in_the_text_becomes_a_link(code, linked):
    from docutils.utils import new_document

    page = new_document("page")
    page += nodes.paragraph("", "", nodes.literal(code, code))
    reference.link_code(APPLICATION, page, "03_duality/chapter")
    links = [link["refuri"] for link in page.findall(nodes.reference)]
    assert links == (["../api/transport.html#wgan_course.transport.solve"] if linked else [])
    assert page.astext() == code


def test_nodes_of_a_docstring_belong_to_its_page():
    from docutils.utils import new_document

    page, own = new_document("page"), new_document("docstring")
    own += nodes.section("", nodes.paragraph("", "text"))
    page += own.children
    reference.own_all(APPLICATION, page)
    assert {node.document for node in page.findall()} == {page}
