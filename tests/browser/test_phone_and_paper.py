"""The built pages on a telephone and on paper: figures that can be read there, answers that show."""

import functools

import pytest

pytestmark = pytest.mark.browser
CHAPTER = "04_lipschitz/chapter.html"  # many proofs and few formulas, which take seconds
SCREENS = {
    "phone": {"viewport": {"width": 390, "height": 844}},
    "screen": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
}
SHOWN = """() => [...document.querySelectorAll("article figure:not(.explorable) img")].map(
  (image) => [image.currentSrc.split("/").pop(), image.naturalWidth / image.clientWidth])"""

CUT = """() => [...document.querySelectorAll("article mjx-container:not([display='true'])")].filter((one) =>
  !one.closest("table") && getComputedStyle(one).overflowX === "visible"
    && one.querySelector("mjx-math").getBoundingClientRect().right > innerWidth
).map((one) => one.textContent.slice(0, 60))"""


@pytest.fixture(scope="module")
def open_at(chromium, built_book):
    """Opens a page of the book on a telephone, on a screen, or on a dark screen, once: its formulas take seconds."""
    contexts = {kind: chromium.new_context(offline=True, **options) for kind, options in SCREENS.items()}

    @functools.cache
    def open_it(name, kind="phone"):
        page = contexts[kind].new_page()
        page.goto((built_book / name).as_uri())
        page.wait_for_function("window.MathJax?.startup?.promise !== undefined || !document.querySelector('.math')")
        page.evaluate("async () => { await window.MathJax?.startup?.promise; await document.fonts.ready; }")
        return page

    yield open_it
    for context in contexts.values():
        context.close()


@pytest.mark.parametrize("name", [CHAPTER, "04_lipschitz/lab.html"])
def test_a_telephone_gets_the_narrow_figures(open_at, name):
    shown = open_at(name).evaluate(SHOWN)
    assert shown
    assert all(file.startswith("narrow-") for file, _ in shown)
    assert all(dots >= 1.5 for _, dots in shown), "sharp on a telephone's screen"
    wide = open_at(name, "screen").evaluate(SHOWN)
    assert len(wide) == len(shown)
    assert not any(file.startswith("narrow-") for file, _ in wide)


def test_a_caption_says_where_left_and_right_went(open_at):
    page = open_at(CHAPTER)
    told = "(element) => getComputedStyle(element, '::after').content"
    cone = page.locator("figure", has_text="double cone of slope 1").locator("figcaption")
    alone = page.locator("figure", has_text="The angle on a ring with a cut").locator("figcaption")
    assert "stands above" in cone.evaluate(told)
    assert alone.evaluate(told) == "none"


def test_headings_shrink_in_order(open_at):
    page = open_at(CHAPTER)
    sizes = [
        page.locator(f"article {tag}").first.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
        for tag in ("h1", "h2", "h3", "p")
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 4


def test_statements_keep_their_width(open_at):
    page = open_at(CHAPTER)
    widths = page.locator("div.proof > p:first-child, div.proof > section > p").evaluate_all(
        "all => all.map((one) => one.clientWidth)"
    )
    assert min(widths) > 330


@pytest.mark.parametrize("name", ["problem_sets/ps10.html", "10_images/chapter.html"])
def test_formulas_within_a_line_end_within_the_screen(open_at, name):
    page = open_at(name)
    page.evaluate("document.querySelectorAll('article details').forEach((one) => { one.open = true; })")
    page.wait_for_timeout(300)
    assert page.evaluate(CUT) == []


def test_each_proof_begins_with_its_word(open_at):
    page = open_at(CHAPTER)
    proofs = page.locator("div.proof#proof").count()
    assert proofs >= 7
    assert page.locator(".proof-word").all_text_contents() == ["Proof."] * proofs


@pytest.fixture
def paper(open_at):
    """Chapter 4 as a reader with a dark screen prints it."""
    page = open_at(CHAPTER, "dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    yield page
    printed(page)


def printed(page):
    """Paper is done with."""
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")


def test_paper_shows_every_answer(paper):
    answers = paper.locator("details.sd-dropdown .sd-card-body, .quiz-answers .quiz-why")
    assert answers.count() >= 8
    assert all(answer.is_visible() for answer in answers.all())


def test_paper_is_light_and_without_the_machinery(paper):
    assert paper.evaluate("document.documentElement.dataset.theme") == "light"
    hidden = (".bd-sidebar-primary", ".bd-sidebar-secondary", ".prev-next-area", ".bd-header-article", "#jb-print-toc")
    assert not [place for place in hidden if paper.locator(place).first.is_visible()]
    assert not [code for code in paper.locator("details.hide").all() if code.is_visible()]
    assert paper.locator("h1:visible").count() == 1


def test_paper_lets_long_things_break(paper):
    broken = paper.locator("div.proof#proof").evaluate_all("all => all.map((one) => getComputedStyle(one).breakInside)")
    assert set(broken) == {"auto"}
    assert paper.locator("article figure").first.evaluate("one => getComputedStyle(one).breakInside") == "avoid"


def test_after_printing_all_is_as_before(paper):
    printed(paper)
    assert paper.evaluate("document.documentElement.dataset.theme") == "dark"
    assert paper.locator("details.sd-dropdown[open]").count() == 0
