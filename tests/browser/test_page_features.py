"""What a page does for its reader: it answers, folds, shows what a link leads to, and finds."""

import json

import pytest

from tools.book.assets import ensure_packages

pytestmark = pytest.mark.browser
SCREEN = {"width": 1280, "height": 800}
CHAPTER = "01_js_saturation/chapter.html"
SETTLED = "async () => { await window.MathJax?.startup?.promise; await document.fonts.ready; }"
OTHER_QUESTION = """(id) => {
  const key = Object.keys(localStorage).find((one) => one.includes("quiz"));
  const state = JSON.parse(localStorage.getItem(key));
  state.chosen[id].digest = "of another question";
  localStorage.setItem(key, JSON.stringify(state));
}"""
SHOWN = "all => all.map((one) => one.checkVisibility())"
FOLD = "(open) => document.querySelectorAll('.proof-fold').forEach((one) => { one.open = open; })"
OURS = [
    "#quiz-1",
    "#quiz-2",
    ".quiz-head",
    ".proof-fold[open]",
    ".proof-switch",
    ".course-preview",
    "#search-results",
    ".chapter-map",
]
WITHOUT_FORMULAS = "document.querySelectorAll('mjx-container').forEach((one) => one.replaceChildren('x'))"
AXE = """async (ours) => (await axe.run(
  {include: ours.filter((one) => document.querySelector(one)).map((one) => [one]), exclude: [["mjx-container"]]},
  {resultTypes: ["violations"]}
)).violations.map((found) => [found.id, found.nodes[0].html.slice(0, 160)])"""


@pytest.fixture(scope="module")
def context(chromium):
    context = chromium.new_context(viewport=SCREEN, offline=True)
    yield context
    context.close()


@pytest.fixture(scope="module")
def open_page(context, built_book):
    """Opens a page of the book, and waits until its formulas are set."""

    def open_it(name, page=None, query=""):
        page = page or context.new_page()
        page.goto((built_book / name).as_uri() + query)
        page.evaluate(SETTLED)
        return page

    return open_it


@pytest.fixture(scope="module")
def chapter(open_page):
    """Chapter 1, opened once: its formulas take seconds."""
    page = open_page(CHAPTER)
    page.wait_for_selector(".quiz.is-live")
    return page


@pytest.fixture
def quiz(chapter):
    """The quiz of chapter 1, with nothing chosen."""
    clear = chapter.locator(".quiz-clear")
    if clear.is_visible():
        clear.click()
    return chapter


def reason(page, number, index):
    """The words of a choice's reason, as they stand in the page for readers without scripts."""
    why = page.locator(f"#quiz-{number} .quiz-why").nth(index)
    return why.evaluate("one => [...one.children].slice(1).map((child) => child.textContent).join('')")


def choices(page, number):
    return page.locator(f"#quiz-{number} input")


def right(page, number):
    return int(page.locator(f"#quiz-{number}").get_attribute("data-right"))


def feedback(page, number):
    return page.locator(f"#quiz-{number} .quiz-feedback")


def test_a_wrong_choice_is_told_why_and_the_right_one_too(quiz):
    answer = right(quiz, 1)
    wrong = (answer + 1) % 3
    choices(quiz, 1).nth(wrong).click()
    assert "Not this one" in feedback(quiz, 1).inner_text()
    assert reason(quiz, 1, wrong) in feedback(quiz, 1).evaluate("one => one.textContent")
    assert quiz.locator(".quiz-count").inner_text().startswith("0 of ")
    choices(quiz, 1).nth(answer).click()
    said = feedback(quiz, 1).evaluate("one => one.textContent")
    assert "Right." in said
    assert all(reason(quiz, 1, index) in said for index in range(3))
    assert quiz.locator(".quiz-count").inner_text().startswith("1 of ")


def test_by_keyboard_arrows_move_and_space_chooses(quiz):
    choices(quiz, 2).first.focus()
    quiz.keyboard.press("ArrowDown")
    assert choices(quiz, 2).nth(1).evaluate("one => one === document.activeElement")
    quiz.keyboard.press("ArrowUp")
    quiz.keyboard.press("ArrowUp")
    assert feedback(quiz, 2).inner_text() == ""
    assert choices(quiz, 2).evaluate_all("all => all.findIndex((one) => one === document.activeElement)") == 2
    quiz.keyboard.press("Space")
    assert feedback(quiz, 2).get_attribute("data-verdict") == ("right" if right(quiz, 2) == 2 else "wrong")
    assert feedback(quiz, 2).get_attribute("role") == "status"
    assert quiz.locator("#quiz-2 [role=radiogroup]").get_attribute("aria-labelledby") == "quiz-2-question"


def test_answers_stay_and_the_progress_shows_elsewhere_until_cleared(quiz, open_page):
    choices(quiz, 2).nth((right(quiz, 2) + 1) % 3).click()
    choices(quiz, 1).nth(right(quiz, 1)).click()
    quiz.evaluate(OTHER_QUESTION, "quiz-2")
    total = quiz.locator(".quiz").count()
    assert quiz.locator(".bd-sidebar-primary .quiz-mark").all_inner_texts() == [f"1/{total}"]
    index = open_page("index.html")
    assert set(index.locator(".quiz-mark").all_text_contents()) == {f"1/{total}"}
    assert index.locator(".chapter-map .quiz-mark").count() == 1
    again = open_page(CHAPTER, index)
    again.wait_for_selector(".quiz-feedback[data-verdict=right]")
    assert choices(again, 1).nth(right(again, 1)).is_checked()
    assert again.locator("#quiz-2 input:checked").count() == 0, "it has another question now"
    again.locator(".quiz-clear").click()
    assert again.locator(".quiz-mark").count() == 0
    assert again.evaluate("Object.keys(localStorage).filter((key) => key.includes('quiz'))") == []
    again.close()


def test_proofs_open_by_mouse_by_keyboard_and_all_at_once(chapter):
    folds = chapter.locator(".proof-fold")
    assert folds.count() == chapter.locator("div.proof#proof").count() >= 7
    assert chapter.locator(".proof-fold[open]").count() == 0
    folds.nth(0).locator("summary").click()
    folds.nth(1).locator("summary").focus()
    chapter.keyboard.press("Enter")
    assert chapter.locator(".proof-fold[open]").count() == 2
    assert folds.nth(0).locator("p").first.is_visible()
    chapter.locator(".proof-switch").click()
    assert chapter.locator(".proof-fold[open]").count() == folds.count()
    chapter.locator(".proof-switch").click()
    assert chapter.locator(".proof-fold[open]").count() == 0


def test_a_link_into_a_proof_opens_it(chapter):
    target = chapter.locator(".proof-fold [id]:not(mjx-container *)").first.get_attribute("id")
    chapter.evaluate("(id) => { location.hash = id; }", target)
    chapter.wait_for_selector(".proof-fold[open]")
    assert chapter.evaluate("(id) => document.getElementById(id).closest('details').open", target)
    chapter.evaluate(
        "location.hash = ''; document.querySelectorAll('.proof-fold').forEach((one) => { one.open = false; })"
    )


def test_formulas_in_a_proof_are_as_large_as_in_the_text(chapter):
    sizes = "all => [...new Set(all.map((one) => one.style.fontSize))]"
    chapter.evaluate(FOLD, True)
    inside = chapter.locator(".proof-fold > p mjx-container").evaluate_all(sizes)
    assert inside == chapter.locator("article section > p mjx-container").evaluate_all(sizes)
    chapter.evaluate(FOLD, False)


def link_to(page, selector):
    """The first link of a kind that can be seen."""
    return page.locator(f"article {selector}").locator("visible=true").first


def test_a_link_to_a_statement_shows_it_to_the_mouse(chapter):
    link = link_to(chapter, 'a[href="#prop-js-disjoint"]')
    link.hover()
    box = chapter.locator(".course-preview")
    box.locator("mjx-container").first.wait_for()
    assert "JS is a statement about overlap" in box.inner_text()
    assert box.locator("a, [id]:not(mjx-container *)").count() == 0
    assert link.get_attribute("aria-describedby") == box.get_attribute("id")
    box.hover()
    chapter.wait_for_timeout(400)
    assert box.is_visible()
    chapter.keyboard.press("Escape")
    assert box.count() == 0
    assert link.get_attribute("aria-describedby") is None


@pytest.mark.parametrize(
    ("selector", "word"),
    [('a[href^="#equation-"]', "mjx-container"), ('a[href*="references.html#"]', "p")],
    ids=["formula", "reference"],
)
def test_a_link_shows_what_it_leads_to_by_keyboard(chapter, selector, word):
    link = link_to(chapter, selector)
    chapter.keyboard.press("Shift")
    link.focus()
    box = chapter.locator(".course-preview")
    box.locator(word).first.wait_for()
    place = box.bounding_box()
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= SCREEN["width"]
    assert chapter.locator("[aria-describedby=course-preview]").count() == 1
    chapter.keyboard.press("Tab")
    chapter.wait_for_timeout(50)
    assert link.get_attribute("aria-describedby") is None
    chapter.keyboard.press("Escape")


def test_the_search_reads_no_accents(open_page):
    page = open_page("search.html", query="?q=frechet")
    page.wait_for_selector("#search-results li a")
    plain = page.locator("#search-results li > a").all_inner_texts()
    page.locator('article input[type="search"], .bd-search-container input[type="search"]').first.fill("Fréchet")
    assert page.locator("#search-results li > a").all_inner_texts() == plain
    assert any("Fréchet" in text for text in page.locator("#search-results mark").all_inner_texts())
    page.close()


def test_the_search_shows_the_place_and_leads_there(open_page):
    page = open_page("search.html", query="?q=wasserstein+gan")
    page.wait_for_selector("#search-results li a")
    assert "wasserstein gan" in [text.lower() for text in page.locator("#search-results mark").all_inner_texts()]
    titles = [text.lower() for text in page.locator("#search-results li > a").all_inner_texts()]
    whole = ["wasserstein" in title and "gan" in title for title in titles]
    assert whole[0]
    assert whole == sorted(whole, reverse=True)
    axe = page.locator("#search-results").evaluate("one => one.querySelector('[role=status]').textContent")
    assert axe == f"{len(titles)} sections found"
    page.locator("#search-results li > a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "search.html" not in url)
    page.close()


def test_the_landing_page_says_it_all_on_one_screen(open_page):
    page = open_page("index.html")
    page.wait_for_selector(".explorable.is-live")
    for selector in ("h1", ".landing p", ".chapter-map svg", ".landing .explorable-drawing"):
        place = page.locator(f"article {selector}").first.bounding_box()
        assert place["y"] + place["height"] <= SCREEN["height"], selector
    assert page.locator(".chapter-map svg a").count() == page.locator(".course-map tbody tr").count() == 12
    page.close()


def test_on_paper_all_reasons_and_proofs_stand(quiz):
    choices(quiz, 1).first.click()
    quiz.evaluate("dispatchEvent(new Event('beforeprint'))")
    quiz.emulate_media(media="print")
    for selector in (".quiz-why", ".proof-fold > :last-child"):
        shown = quiz.locator(selector).evaluate_all(SHOWN)
        assert shown == [True] * len(shown), selector
        assert len(shown) >= 7
    assert not quiz.locator(".quiz-feedback, .quiz-head, .proof-switch").locator("visible=true").count()
    quiz.emulate_media(media="screen")
    quiz.evaluate("dispatchEvent(new Event('afterprint'))")


def test_without_scripts_nothing_is_lost(chromium, built_book):
    context = chromium.new_context(viewport=SCREEN, offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto((built_book / CHAPTER).as_uri())
    assert page.locator("div.proof#proof > p").first.is_visible()
    first = page.locator("#quiz-1")
    assert first.locator("li").count() == 3
    assert not first.locator(".quiz-why").first.is_visible()
    first.locator("summary").click()
    assert "is right" in first.inner_text()
    context.close()


def test_every_lab_can_be_taken_away(built_book):
    labs = sorted(built_book.glob("[0-9][0-9]_*/lab.html"))
    assert labs
    for lab in labs:
        notebook = json.loads((built_book / "_sources" / lab.parent.name / "lab.ipynb").read_text("utf-8"))
        assert "Where it is missing" in "".join(notebook["cells"][0]["source"]), lab.parent.name
        assert f'href="../_sources/{lab.parent.name}/lab.ipynb" download' in lab.read_text("utf-8")


def test_what_is_ours_is_accessible(quiz, open_page, course_root):
    """The last test of the file: it puts the formulas of its pages aside, which axe takes a minute for."""
    axe = ensure_packages(course_root) / "axe-core" / "axe.min.js"
    choices(quiz, 1).nth((right(quiz, 1) + 1) % 3).click()
    choices(quiz, 2).nth(right(quiz, 2)).click()
    quiz.locator(".proof-fold summary").first.click()
    link_to(quiz, 'a[href="#prop-js-disjoint"]').hover()
    quiz.wait_for_selector(".course-preview")
    pages = [quiz, open_page("index.html"), open_page("search.html", query="?q=lipschitz")]
    pages[2].wait_for_selector("#search-results li a")
    for page in pages:
        page.evaluate(WITHOUT_FORMULAS)
        page.add_script_tag(path=str(axe))
        for theme in ("light", "dark"):
            page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
            assert page.evaluate(AXE, OURS) == [], (page.url, theme)
        page.evaluate("document.documentElement.dataset.theme = 'light'")
    for page in pages[1:]:
        page.close()
