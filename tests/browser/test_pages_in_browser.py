"""The built pages in Chromium, from disk, with no network: what a reader sees."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
MODES = ("light", "dark")
WAIT = "window.MathJax?.startup?.promise !== undefined || !document.querySelector('.math')"
# What the theme, the widgets and the libraries bring; not ours to mend here, each looked at.
KNOWN = {
    "region": "the theme puts its skip link and search dialog outside landmarks",
    "label-content-name-mismatch": "the theme's search button",
    "aria-input-field-name": "ipywidgets' sliders have their label beside them, without a reference to it",
    "landmark-unique": "the theme's two navigation bars share a name",
    "landmark-complementary-is-top-level": "the theme's side bars lie inside main",
    "scrollable-region-focusable": "code blocks that scroll sideways",
}
HARMLESS = ("strict mode: use allowUnionTypes",)


def names(built_book):
    found = [file.relative_to(built_book).as_posix() for file in sorted(built_book.rglob("*.html"))]
    return [name for name in found if not name.startswith(("_static", "genindex", "search", "prf-", "_"))]


class Visit:
    """One page, opened, with what it asked for and complained of."""

    def __init__(self, chromium, file, mode="light", width=1280):
        self.context = chromium.new_context(color_scheme=mode, viewport={"width": width, "height": 900}, offline=True)
        self.page, self.asked, self.complaints = self.context.new_page(), [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(Path(file).as_uri())
        self.page.wait_for_function(WAIT)
        self.page.evaluate("() => window.MathJax?.startup?.promise?.then(() => true)")
        self.page.evaluate("() => document.fonts.ready.then(() => true)")

    def _hear(self, message):
        if message.type in {"error", "warning"} and not message.text.startswith(HARMLESS):
            self.complaints.append(message.text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def outside(self):
        return [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))]


@pytest.mark.parametrize("mode", MODES)
def test_pages_open_from_disk_without_a_network(chromium, built_book, mode):
    for name in names(built_book):
        with Visit(chromium, built_book / name, mode) as visit:
            assert (name, visit.outside()) == (name, [])
            assert (name, visit.complaints) == (name, [])
            assert visit.page.evaluate("document.documentElement.dataset.theme") == mode


RAW_TEX = r"""() => {
  const walker = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
  const raw = [];
  while (walker.nextNode()) {
    const inside = walker.currentNode.parentElement.closest("pre, code, script, style, mjx-container");
    const text = walker.currentNode.data;
    if (!inside && /\\\(|\\\[|\$[^$\n]+\$|\\(frac|mathcal|operatorname)/.test(text)) raw.push(text);
  }
  return raw;
}"""


def test_mathematics_is_typeset(chromium, built_book):
    typeset = 0
    for name in names(built_book):
        with Visit(chromium, built_book / name) as visit:
            formulas = visit.page.evaluate("document.querySelectorAll('article .math').length")
            shown = visit.page.evaluate("document.querySelectorAll('article mjx-container').length")
            assert shown >= formulas, name
            assert visit.page.evaluate("document.querySelectorAll('mjx-merror').length") == 0, name
            assert visit.page.evaluate(RAW_TEX) == [], name
            typeset += shown
    assert typeset > 100


def test_widgets_are_alive_without_a_kernel(chromium, built_book):
    with_widgets = [name for name in names(built_book) if "widget-view+json" in (built_book / name).read_text("utf-8")]
    assert with_widgets, "at least the lab of chapter 1 has a slider"
    for name in with_widgets:
        with Visit(chromium, built_book / name) as visit:
            visit.page.wait_for_selector(".jupyter-widgets", timeout=20_000)
            sliders = visit.page.locator(".noUi-handle")
            if sliders.count():
                before = visit.page.locator(".jupyter-widgets").first.inner_html()
                sliders.first.focus()
                sliders.first.press("ArrowRight")
                assert visit.page.locator(".jupyter-widgets").first.inner_html() != before
            assert visit.complaints == []


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_scrolls_sideways(chromium, built_book, width):
    for name in names(built_book):
        with Visit(chromium, built_book / name, width=width) as visit:
            assert (name, visit.page.evaluate("document.documentElement.scrollWidth") <= width) == (name, True)


def test_the_search_works_from_disk(chromium, built_book):
    with Visit(chromium, f"{built_book}/search.html") as visit:
        visit.page.goto(f"{(built_book / 'search.html').as_uri()}?q=Lipschitz")
        visit.page.wait_for_selector("#search-results li a", timeout=20_000)
        assert visit.outside() == []


@pytest.mark.parametrize("mode", MODES)
def test_accessibility(chromium, built_book, course_root, mode):
    from wgan_course.book.assets import ensure_packages

    axe = ensure_packages(course_root) / "axe-core" / "axe.min.js"
    found = {}
    for name in names(built_book):
        with Visit(chromium, built_book / name, mode) as visit:
            visit.page.add_script_tag(path=str(axe))
            result = visit.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            for violation in result["violations"]:
                if violation["id"] not in KNOWN:
                    first = violation["nodes"][0]["html"][:160]
                    found[f"{name}: {violation['id']}"] = f"{len(violation['nodes'])} of them, first {first}"
    assert found == {}, json.dumps(found, indent=1)


def test_print_shows_proofs_and_hides_navigation(chromium, built_book):
    with Visit(chromium, built_book / "01_js_saturation" / "chapter.html") as visit:
        visit.page.emulate_media(media="print")
        assert not visit.page.locator(".bd-sidebar-primary").is_visible()
        assert visit.page.locator("div.proof").first.is_visible()
