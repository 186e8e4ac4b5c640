"""What holds of each live figure: it stands alone from disk, is accessible in both themes, and fits a telephone."""

import json

import pytest

from tools.book import explorables
from tools.book.assets import ensure_packages

pytestmark = pytest.mark.browser
NAMES = explorables.names()
THEME = "(theme) => { document.documentElement.dataset.theme = theme; }"
AXE = """async (rules) => (await axe.run(document.querySelector("figure"), {preload: false, ...rules})).violations.map(
  (found) => [found.id, found.nodes[0].html.slice(0, 200)])"""
PAPER = {"light": "#ffffff", "dark": "#121212"}
SIZES = """(all) => all.map((one) => {
  const { a, b } = one.getScreenCTM();
  return parseFloat(getComputedStyle(one).fontSize) * Math.hypot(a, b);
})"""
APART = """(all) => all.filter((one) => {
  const [a, b] = [one, one.parentElement.querySelector("output")].map((it) => it.getBoundingClientRect());
  return b.top > a.bottom - 2 || b.bottom < a.top + 2;
}).map((one) => one.parentElement.textContent)"""
UNREACHED = """() => {
  const wanted = "button, input, select, summary, [role=slider], [tabindex='0']";
  return [...document.querySelector("figure").querySelectorAll(wanted)].filter(
    (one) => one.checkVisibility() && !one.disabled && !one.dataset.reached).map((one) => one.outerHTML.slice(0, 120));
}"""
MARK = """() => {
  const one = document.activeElement;
  const first = !one.dataset.reached;
  one.dataset.reached = "yes";
  const style = getComputedStyle(one.matches("g") ? one.querySelector(".handle") : one);
  const ring = style.outlineStyle !== "none" || parseFloat(style.strokeWidth) >= 4;
  return [first, ring || !one.closest("figure"), one.outerHTML.slice(0, 120)];
}"""


@pytest.mark.parametrize("name", NAMES)
def test_it_begins_with_its_numbers_axe_finds_nothing_and_the_keyboard_reaches_all(open_figure, course_root, name):
    page = open_figure(name)
    if name != "playground":
        still = json.loads((explorables.SOURCES / name / "still.json").read_text("utf-8"))
        assert page.evaluate(explorables.TWIN_OF) == still
    page.wait_for_function("document.querySelector('.explorable-spoken').textContent.length > 20")
    assert page.locator(".explorable-spoken").get_attribute("aria-live") == "polite"
    page.add_script_tag(path=str(ensure_packages(course_root) / "axe-core" / "axe.min.js"))
    for theme, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        page.evaluate(THEME, theme)
        page.evaluate("(colour) => { document.body.style.background = colour; }", PAPER[theme])
        assert page.evaluate(AXE, rules) == [], theme
    go_through(page)
    assert page.evaluate(UNREACHED) == []


def go_through(page):
    """From one control to the next by the keyboard, until the first comes again; each shows its focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        first, ring, what = page.evaluate(MARK)
        if not first:
            break
        assert ring, what


@pytest.mark.parametrize("name", NAMES)
def test_it_fits_a_telephone(open_figure, name):
    page = open_figure(name, viewport={"width": 390, "height": 844})
    page.evaluate("document.querySelector('main').style.width = 'auto'")
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    sizes = page.locator(".explorable-plot text").evaluate_all(SIZES)
    assert min(sizes, default=12) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_a_value_stands_beside_its_slider_on_a_telephone_too(open_figure, name):
    page = open_figure(name)
    page.add_style_tag(content="main { width: auto !important; } figure { margin: 0; }")
    for width in (360, 375, 390, 412):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.locator("input[type=range]:visible").evaluate_all(APART) == [], width
