"""What pages know of other pages: previews are whole boxes without links, and search texts hold each word once."""

import pytest
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser
from docutils.utils import new_document

from tools.book.page_scripts import plain_formula, previews_of, sections_of

STATEMENT = (
    '<div class="proof theorem admonition" id="thm-a">\n<p class="admonition-title"><span>Theorem 1 </span></p>'
    '<div class="inner"><div>deep</div></div><p>By <a class="reference internal" href="#x">this</a>.'
    '<a class="headerlink" href="#thm-a" title="Link">¶</a></p></div>'
)
PAGE = (
    f'<div>{STATEMENT}<div class="proof admonition" id="proof"><p>Proof.</p></div>'
    '<div class="math notranslate nohighlight" id="equation-eq-b">\\[x\\]</div>'
    '<div class="citation" id="id3" role="doc-biblioentry"><p>Paper</p></div></div>'
)
SOURCE = """
First
=====

Before :math:`W_1`.

Second
------

Words here.

Third
-----

Other words.
"""


def test_statements_formulas_and_references_can_be_previewed():
    shown = previews_of(PAGE)
    assert list(shown) == ["thm-a", "equation-eq-b", "id3"]
    assert shown["equation-eq-b"].endswith("\\[x\\]</div>")
    assert shown["id3"] == '<div class="citation"><p>Paper</p></div>'


def test_a_preview_is_a_whole_box_without_links_and_ids():
    shown = previews_of(PAGE)["thm-a"]
    assert shown.count("<div") == shown.count("</div") == 3
    assert "By <span>this</span>.</p>" in shown
    assert not [word for word in ("href", "id=", "¶", "Proof.") if word in shown]


def test_a_box_that_is_not_closed_is_said():
    with pytest.raises(ValueError, match="not balanced"):
        previews_of(STATEMENT.removesuffix("</div>"))


def test_each_section_has_its_own_words_only():
    document = new_document("page", get_default_settings(Parser()))
    Parser().parse(SOURCE, document)
    found = list(sections_of(document, "page.html"))
    assert [(address, title) for address, _, title, _ in found] == [
        ("page.html", "First"),
        ("page.html#second", "Second"),
        ("page.html#third", "Third"),
    ]
    assert {page for _, page, _, _ in found} == {"First"}
    assert [text for *_, text in found] == ["Before W_1.", "Words here.", "Other words."]


def boxed(name, identifier, words):
    """A statement or an exercise, as the extensions leave it: all contents have the same id."""
    content = nodes.section("", nodes.paragraph("", words), ids=["proof-content"])
    return nodes.admonition("", nodes.title("", "", *name), content, ids=[identifier])


def test_a_statement_is_found_under_its_own_name_and_place():
    document = new_document("page", get_default_settings(Parser()))
    Parser().parse(SOURCE, document)
    second = list(document.findall(nodes.section))[1]
    second.append(boxed([nodes.Text(" (Unit (gradient))")], "prop-unit", "Slope one."))
    second.append(boxed([nodes.Text("Exercise"), nodes.inline("", "Two penalties")], "ex-two", "Write it."))
    second.append(boxed([], "def-none", "Call it so."))
    found = {address: (title, text.rstrip()) for address, _, title, text in sections_of(document, "page.html")}
    assert found["page.html#second"] == ("Second", "Words here. (Unit (gradient)) ExerciseTwo penalties")
    assert found["page.html#prop-unit"] == ("Unit (gradient)", "Slope one.")
    assert found["page.html#ex-two"] == ("Two penalties", "Write it.")
    assert found["page.html#def-none"] == ("Second", "Call it so.")
    assert len(found) == 6


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"\operatorname{JS}(P,Q)", "JS (P,Q)"),
        (r"\sigma_1 \le 3", "sigma_1 ≤ 3"),
        (r"\left\| x \right\|", "‖ x ‖"),
        (r"\begin{aligned} a &= b \\ c \end{aligned}", "a = b c"),
    ],
)
def test_a_formula_can_be_read_in_an_excerpt(tex, text):
    assert plain_formula(tex).split() == text.split()
