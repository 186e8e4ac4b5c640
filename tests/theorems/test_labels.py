"""Every statement of the book is tried on many instances, nearly all of them random: by tests named after its label."""

import ast
import re
from pathlib import Path

import pytest

from tools.book import lint

HERE = Path(__file__).resolve().parent
# Statements about means and rates are tried on tables of cases instead, each a mean over many samples.
MOST = 0.9


def statements(root):
    """Label and page of every theorem, proposition, lemma and corollary."""
    for page in sorted((root / "book").glob("*/*.md")):
        for _, body in lint.STATEMENT.findall(page.read_text(encoding="utf-8")):
            for label in lint.LABEL.findall(body):
                yield "".join(label), page.parent.name


def found_in(text):
    """Names of a file's tests, with the ways in which instances are drawn for them: given, parametrize, neither."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            decorators = " ".join(map(ast.unparse, node.decorator_list))
            yield node.name, {way for way in ("given", "parametrize") if way in decorators}


def belongs(test, label):
    wanted = "test_" + label.replace("-", "_")
    return test == wanted or test.startswith(wanted + "_")


@pytest.fixture(scope="module")
def tests():
    return [pair for file in sorted(HERE.glob("test_ch*.py")) for pair in found_in(file.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def ways(course_root, tests):
    """For each label, the ways of all its tests."""
    labels = dict(statements(course_root))
    return {label: set().union(*(way for name, way in tests if belongs(name, label))) for label in labels}


def test_each_statement_is_tried_on_many_instances(ways):
    assert len(ways) >= 50
    assert [label for label, found in ways.items() if not found] == []


def test_nearly_all_are_tried_on_random_instances(ways):
    assert sum("given" in found for found in ways.values()) >= MOST * len(ways)


def test_labels_are_used_once(course_root):
    labels = [label for label, _ in statements(course_root)]
    assert sorted(labels) == sorted(set(labels))


def test_labels_name_what_they_are(course_root):
    assert [
        label for label, _ in statements(course_root) if not re.fullmatch(r"(thm|prop|lem|cor)-[a-z0-9-]+", label)
    ] == []


def test_tests_of_a_file_are_told_apart():
    text = "@given(x)\ndef test_a(x): ...\n\n@mark\ndef test_b(): ...\n\ndef helper(): ...\n"
    assert dict(found_in(text)) == {"test_a": {"given"}, "test_b": set()}
    assert belongs("test_prop_x_more", "prop-x")
    assert not belongs("test_prop_xy", "prop-x")
