"""Pictures and long texts in a student's own cells: whatever they are, a page is made of them, and in short time."""

import base64

import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_markdown_cell, new_notebook

from wgan_grader import submission
from wgan_grader.submission import Blueprint, StudentCell, rebuild, student_cells

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n rest").decode()
KINDS = {"image/png": PNG, "image/gif": base64.b64encode(b"GIF89a").decode(), "image/jpeg": "/9j/4A=="}
KINDS |= {"image/webp": base64.b64encode(b"RIFF....WEBP").decode()}
BLUEPRINT = Blueprint("ps", new_notebook())


def page(text, attachments=None):
    raw = {"cell_type": "markdown", "source": text, "attachments": attachments or {}}
    made = rebuild(student_cells([raw]), BLUEPRINT)
    html, _ = HTMLExporter(template_name="basic").from_notebook_node(made)
    return html, made.cells[0]


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a.png", "a.png"),
        ("my proof 1.png", "my proof 1.png"),
        ("my proof.png", "my%20proof.png"),
        ("ü (1).png", "<ü (1).png>"),
    ],
)
def test_a_picture_is_shown_whatever_it_is_called(kind, name, written):
    address = f"<attachment:{written[1:-1]}>" if written.startswith("<") else f"attachment:{written}"
    html, _ = page(f"before ![x]({address}) after", {name: {kind: KINDS[kind]}})
    assert f"data:{kind};base64,{KINDS[kind]}" in html


@pytest.mark.parametrize(
    "attachments",
    [
        {},
        {"a.png": {"image/svg+xml": "PHN2Zz4="}},
        {"a.png": {"image/png": 'x" onerror="s()'}},
        {"a.png": {"image/png": "PHN2Zz4="}},
        {"a.png": {"image/heic": PNG}},
        {"a.png": {}},
        {"a.png": "x"},
        {"a.png": {"image/png": PNG + "A" * 11 * 2**20}},
    ],
)
def test_a_picture_that_cannot_be_shown_is_named_and_the_rest_stays(attachments):
    html, _ = page("before ![x](attachment:a.png) after", attachments)
    assert "a picture that cannot be shown: a.png" in html
    assert "before" in html
    assert "after" in html
    assert "onerror" not in html


@pytest.mark.parametrize(
    "text",
    [
        "[x](attachment:a)",
        "![x](<attachment: a>)",
        "![x](ATTACHMENT:a)",
        "![x]\n(attachment:a)",
        "attachment:a",
        "![a\n](attachment:b)",
    ],
)
def test_other_forms_stop_nothing(text):
    html, _ = page(text)
    assert "src=" not in html


def rebuilt(text):
    return [cell.source for cell in rebuild([StudentCell("markdown", text)], BLUEPRINT).cells]


@pytest.mark.parametrize("token", ["[", "![", "[](", "$", "\\begin{a}", "`", "![x](attachment:", "<"])
def test_no_long_text_is_rendered_in_one(token):
    """Rendered whole, these take time that grows with the square of the length."""
    sources = rebuilt(token * (300_000 // len(token)))
    assert max(map(len, sources)) <= submission.MAX_RENDERED
    assert sum(map(len, sources)) < 1.1 * submission.MAX_RENDERED_IN_ALL
    assert "more characters are in the file that was handed in" in sources[-1]


def test_a_long_proof_is_shown_whole_in_parts_that_end_with_a_line():
    text = "".join(f"Line {number} of a proof.\n" for number in range(1500))
    sources = rebuilt(text)
    assert "".join(sources) == text
    assert len(sources) > 2
    assert all(source.endswith("\n") for source in sources)


def test_many_texts_share_one_budget(monkeypatch):
    monkeypatch.setattr(submission, "MAX_RENDERED_IN_ALL", 100)
    made = rebuild([StudentCell("markdown", "y" * 60)] * 3, BLUEPRINT)
    assert sum(cell.source.count("y") for cell in made.cells) == 100


def test_too_much_text_is_refused():
    cell = dict(new_markdown_cell("x" * 2**20))
    with pytest.raises(submission.UnreadableError, match="8 MiB"):
        submission.cells_of_bytes(submission.json.dumps({"cells": [cell] * 9}).encode(), "a.ipynb")
