"""Slides: what a chapter states and shows, in its order, with addresses that lead where they did."""

import shutil

import pytest
from bs4 import BeautifulSoup

from tools.book import slides

PAGE = """<html><head><script>window.MathJax = {"tex": {}}</script>
<script src="../_static/vendor/mathjax/x.js"></script>
<script src="../_static/other.js"></script></head><body><article><section>
<h1>6. Penalty<a class="headerlink" href="#">#</a></h1>
<div class="tip admonition"><ul><li>say it</li></ul></div>
<section id="one"><h2>6.1. One</h2><p>Before.</p>
<div class="proof proposition admonition" id="prop-a"><p class="admonition-title">Proposition 6.1</p><p>Text
<a href="#prop-b">b</a> <a href="../05/chapter.html#c">c</a> <a href="lab.html">lab</a></p></div>
<div class="proof admonition" id="proof"><p>Proof.</p></div><p>Not a note.</p>
<div class="cell"><div><figure id="fig"><img alt="A line." src="../_images/a.png"><figcaption>Caption</figcaption>
</figure></div></div>
<p>First note.</p><p>Second note.</p><p>Third.</p></section>
<section id="two"><h2>6.2. Two</h2><p>Nothing to show.</p></section>
</section></article></body></html>"""


@pytest.fixture
def found():
    return BeautifulSoup(slides.slides_of(PAGE, "06_penalty"), "html.parser").find_all("section", class_="slide")


def test_outcomes_statements_and_figures_come_in_their_order(found):
    assert [slide.h2.get_text() for slide in found] == ["6. Penalty", "6.1. One", "6.1. One"]
    assert [slide["aria-label"] for slide in found] == ["1 of 3", "2 of 3", "3 of 3"]
    assert found[0].li.get_text() == "say it"
    assert found[1].find(class_="proposition") is not None
    assert found[2].img["alt"] == "A line."
    assert "Proof." not in str(found)


def test_notes_are_the_next_paragraphs(found):
    assert found[1].aside.get_text() == ""
    assert [p.get_text() for p in found[2].aside.find_all("p")] == ["First note.", "Second note."]


def test_addresses_lead_where_they_did(found):
    links = [link["href"].removeprefix("../html/") for link in found[1].find_all("a")]
    assert links == ["06_penalty/chapter.html#prop-b", "05/chapter.html#c", "06_penalty/lab.html"]
    assert found[2].img["src"] == "../html/_images/a.png"
    assert [tag for slide in found for tag in slide.find_all(id=True)] == []


def test_formulas_have_their_script_and_nothing_else_is_loaded():
    soup = BeautifulSoup(slides.slides_of(PAGE, "06_penalty"), "html.parser")
    loaded = [script["src"] for script in soup.find_all("script", src=True)]
    assert loaded == ["../html/_static/vendor/mathjax/x.js", "../html/_static/slides.js"]


@pytest.fixture
def course(tmp_path):
    for name in ("05_clip", "06_penalty"):
        page = tmp_path / "_build" / "html" / name / "chapter.html"
        page.parent.mkdir(parents=True)
        page.write_text(PAGE)
    return tmp_path


def test_chapters_are_chosen_by_number(course):
    assert [file.name for file in slides.build_slides(course, ["06"])] == ["06_penalty.html"]
    assert len(slides.build_slides(course)) == 2


def test_without_the_book_a_sentence_says_what_to_do(tmp_path, course):
    with pytest.raises(slides.NoPageError, match="make book"):
        slides.build_slides(tmp_path / "nowhere")
    with pytest.raises(slides.NoPageError, match="no such page"):
        slides.build_slides(course, ["99"])


@pytest.mark.browser
def test_slides_are_printed(course):
    (file,) = slides.build_slides(course, ["06"])
    for name in ("slides.css", "slides.js"):
        (course / "_build" / "html" / "_static").mkdir(exist_ok=True)
        shutil.copy(f"book/styles/{name}", course / "_build" / "html" / "_static")
    assert slides.print_pdf(file).read_bytes().count(b"/Type /Page\n") == 3


def test_printing_needs_a_browser(course, monkeypatch):
    monkeypatch.setattr(slides.shutil, "which", lambda _name: None)
    with pytest.raises(slides.NoPageError, match="chromium"):
        slides.print_pdf(course / "x.html")


def test_the_command_names_what_it_made(course, monkeypatch):
    from typer.testing import CliRunner

    from wgan_cli import app

    (course / "_toc.yml").touch()
    (course / "book").mkdir()
    monkeypatch.chdir(course)
    monkeypatch.setattr(app, "tool", lambda _name: slides)
    ran = CliRunner().invoke(app.app, ["slides", "05"])
    assert ran.exit_code == 0, ran.output
    assert (course / "_build" / "slides" / "05_clip.html").is_file()
    assert not (course / "_build" / "slides" / "06_penalty.html").exists()
