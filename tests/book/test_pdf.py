"""The book as one PDF: links from page to page, page numbers in the contents, nothing beyond the margin."""

import shutil

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

from tools.book import assets, pdf

TOC = """root: index
parts:
  - chapters:
      - file: one/chapter
        sections: [{file: one/lab}]
      - file: two/chapter
  - chapters: [{file: api/index}]
"""
HEAD = """<html><head><link rel="stylesheet" href="../_static/theme.css?v=1">
<link rel="stylesheet" href="../_static/course.css">
<script>window.MathJax = {"tex": {"macros": {"E": "\\\\mathbb{E}"}}};</script>
<script src="../_static/vendor/mathjax/tex-mml-chtml.js?v=2"></script><script src="../_static/other.js"></script></head>
<body><nav>Sidebar</nav><article class="bd-article">"""
WIDE = "+".join(f"x_{{{k}}}" for k in range(30))
ONE = f"""<section id="one"><h1><span class="section-number">1. </span>One<a class="headerlink" href="#one">#</a></h1>
<section id="first"><h2><span class="section-number">1.1. </span>First</h2>
<p id="place">See <a href="../two/chapter.html#place">there</a>, <a href="../two/chapter.html">all of it</a>,
<a href="lab.html#place">the lab</a>, <a href="#place">here</a>, <a href="../api/index.html">the reference</a>,
<a href="lab.ipynb">a file</a> and <a href="https://example.org/">elsewhere</a>.</p>
<div class="proof admonition"><details><summary>Proof</summary><p>Folded words of a proof. ✅</p></details></div>
<details class="sd-dropdown"><summary>Question?</summary><p>The answer.</p></details>
<div class="cell"><details class="hide above-input"><summary>Show</summary><pre>hidden_code()</pre></details>
<figure class="explorable" id="fig"><div class="explorable-live" data-explorable="x"></div>
<img class="explorable-still" alt="A still." src="../_images/still.png"><details class="explorable-twin"><table></table>
</details><figcaption>Its caption.</figcaption></figure></div>
<div class="cell"><div class="cell_output"><script type="application/x">{{}}</script></div></div>
<pre>{"long_line " * 40}</pre>
<div class="math">\\[ {WIDE} \\]</div>
<table><tr>{"<td>unbreakable_words_in_a_cell</td>" * 5}</tr></table></section></section>"""
LONG = "2. Two " + "long words " * 8 + "end"
LAB = '<section id="lab"><h1>1.2. Lab</h1><section id="a"><h2>A</h2><p id="place">In the lab.</p>'
LAB += f"<table><tr><th>its head</th></tr>{'<tr><td>one of many rows</td></tr>' * 70}<tr><td>the last row</td></tr>"
LAB += "</table></section></section>"
TWO = f'<section id="two"><h1>{LONG}</h1><section id="b"><h2>2.1. B</h2><p id="place">There.</p></section></section>'
PAGES = {"index": "<h1>The book</h1><p>Words.</p>", "one/chapter": ONE, "one/lab": LAB, "two/chapter": TWO}
BEYOND = """() => [...document.querySelectorAll(".pdf-page *")].filter(
  (one) => one.checkVisibility() && !one.closest("mjx-assistive-mml")
    && one.getBoundingClientRect().right > innerWidth + 1
).map((one) => one.tagName + " " + one.textContent.slice(0, 60))"""


@pytest.fixture(scope="module")
def course(tmp_path_factory, course_root):
    root = tmp_path_factory.mktemp("course")
    html = root / "_build" / "html"
    for name, text in PAGES.items():
        (html / name).parent.mkdir(parents=True, exist_ok=True)
        (html / f"{name}.html").write_text(f"{HEAD}{text}</article></body></html>")
    (root / "_toc.yml").write_text(TOC)
    (root / "_config.yml").write_text("title: A & B\nauthor: somebody\n")
    shutil.copytree(course_root / "book" / "styles", root / "book" / "styles")
    (html / "_static").mkdir()
    shutil.copy(course_root / "book" / "styles" / "course.css", html / "_static")
    (html / "_static" / "vendor").symlink_to(assets.ensure_assets(course_root) / "vendor")
    return root


@pytest.fixture(scope="module")
def assembled(course):
    return BeautifulSoup(pdf.assemble(course), "html.parser")


def test_pages_come_in_the_order_of_the_contents_without_the_reference(assembled):
    found = [part["id"] for part in assembled.select(".pdf-page")]
    assert found == ["page-index", "page-one-chapter", "page-one-lab", "page-two-chapter"]
    assert [(entry["class"], entry.get_text()) for entry in assembled.select(".book-contents li")] == [
        (["title"], "The book"),
        (["title"], "1. One"),
        (["section"], "1.1. First"),
        (["lab"], "1.2. Lab"),
        (["title"], LONG),
    ]


def test_every_link_inside_leads_to_a_place_and_others_become_text(assembled):
    ids = [tag["id"] for tag in assembled.find_all(id=True)]
    assert len(ids) == len(set(ids))
    links = {link.get_text(): link.get("href") for link in assembled.select(".pdf-page p > a")}
    assert links == {
        "there": "#page-two-chapter--place",
        "all of it": "#page-two-chapter",
        "the lab": "#page-one-lab--place",
        "here": "#page-one-chapter--place",
        "the reference": None,
        "a file": None,
        "elsewhere": "https://example.org/",
    }
    assert {link.removeprefix("#") for link in links.values() if link and link[0] == "#"} <= set(ids)


def test_what_is_for_the_screen_goes_and_what_is_folded_opens(assembled):
    assert all(answer.has_attr("open") for answer in assembled.find_all("details"))
    words = assembled.select_one("#page-one-chapter").get_text()
    assert "Folded words of a proof. ✓" in words
    assert "The answer." in words
    assert "hidden_code" not in words
    assert "#" not in words
    assert assembled.select(".explorable-live, .explorable-twin, .pdf-page script, nav:not(.book-contents)") == []
    assert assembled.find(class_="explorable-still")["src"] == "../html/_images/still.png"
    assert len(assembled.select(".cell")) == 1
    assert [part.name for part in assembled.select("#page-one-lab h2, #page-one-lab h3")] == ["h2", "h3"]


def test_only_mathjax_and_the_books_own_repairs_are_loaded(assembled):
    assert [script["src"] for script in assembled.find_all("script", src=True)] == [
        "../html/_static/vendor/mathjax/tex-mml-chtml.js",
        "../html/_static/course.js",
    ]
    styles = ["../html/_static/theme.css", "../html/_static/course.css"]
    assert [link["href"] for link in assembled.find_all("link")] == styles


def test_without_a_book_one_is_told_what_to_do(tmp_path):
    with pytest.raises(pdf.PdfError, match="make book"):
        pdf.build_pdf(tmp_path)


@pytest.fixture(scope="module")
def printed(course):
    return PdfReader(pdf.build_pdf(course))


def page_of(reader, words):
    return next(number for number, page in enumerate(reader.pages, 1) if words in page.extract_text())


@pytest.mark.browser
def test_contents_tell_the_pages_and_every_page_has_its_head_and_number(printed):
    contents = printed.pages[1].extract_text()
    for line, words in {"1.1. First": "Folded words", "1.2. Lab": "In the lab."}.items():
        assert f"{line} {page_of(printed, words)}" in contents
    last = printed.pages[-1].extract_text()
    heads = ["A & B" in page.extract_text().splitlines()[0] for page in printed.pages]
    assert all(heads)  # the title itself on the first
    assert printed.pages[0].extract_text().count("A & B") == 1
    assert str(len(printed.pages)) in last
    assert last.count("2. Two") == 2  # the running head and the title
    assert all(float(page.mediabox.width) == pytest.approx(595, abs=1) for page in printed.pages)


@pytest.mark.browser
def test_the_outline_has_labs_below_their_chapters(printed):
    def titles(items):
        return [titles(item) if isinstance(item, list) else item.title for item in items]

    assert titles(printed.outline) == ["The book", "1. One", ["1.1. First", "1.2. Lab", ["A"]], LONG, ["2.1. B"]]


@pytest.mark.browser
def test_links_lead_to_the_pages_where_things_are(printed):
    links = [note.get_object() for page in printed.pages for note in page.get("/Annots", [])]
    targets = [link["/Dest"] for link in links if "/Dest" in link]
    assert len(targets) >= 9
    place = printed.named_destinations["/page-two-chapter--place"]
    assert printed.get_destination_page_number(place) + 1 == page_of(printed, "There.")
    assert {str(target) for target in targets} <= set(printed.named_destinations)


@pytest.mark.browser
def test_a_long_table_begins_where_it_stands(printed):
    begun = printed.pages[page_of(printed, "In the lab.") - 1].extract_text()
    assert "one of many rows" in begun
    assert "the last row" not in begun
    rest = printed.pages[page_of(printed, "the last row") - 1].extract_text()
    assert begun.count("its head") == rest.count("its head") == 1


@pytest.mark.browser
def test_heads_and_terms_are_not_left_alone_and_what_is_small_is_smaller(course, printed, chromium):
    page = chromium.new_page(viewport={"width": pdf.TEXT_WIDTH, "height": 900}, offline=True)
    page.emulate_media(media="print")
    page.goto((course / "_build" / "pdf" / "book.html").as_uri())
    page.add_style_tag(content="small { font-size: 15px; }")  # as the theme has it, in units of the whole page
    words = "<small>0.1</small><dl><dt>A term</dt><dd>What it means.</dd></dl>"
    page.locator("#page-one-chapter td").first.evaluate("(cell, words) => { cell.innerHTML = words; }", words)
    small = page.locator("small").evaluate("(one) => parseFloat(getComputedStyle(one).fontSize)")
    assert small < page.locator("td:has(small)").evaluate("(one) => parseFloat(getComputedStyle(one).fontSize)")
    breaks = page.locator("thead, dt").evaluate_all("(all) => all.map((one) => getComputedStyle(one).breakAfter)")
    assert breaks == ["avoid", "avoid"]
    page.close()


@pytest.mark.browser
def test_nothing_reaches_beyond_the_margin(course, printed, chromium):
    page = chromium.new_page(viewport={"width": pdf.TEXT_WIDTH, "height": 900}, offline=True)
    page.emulate_media(media="print")
    page.goto((course / "_build" / "pdf" / "book.html").as_uri())
    page.evaluate("window.MathJax.startup.promise")
    assert page.evaluate(BEYOND) != []
    page.evaluate(pdf.FIT)
    assert page.evaluate(BEYOND) == []
    page.close()
