"""The built pages in Chromium, from disk, with no network: what a reader sees."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools.book.assets import ensure_packages

pytestmark = pytest.mark.browser
PARTS = ("chapters", "others")  # each by a worker of its own: it takes minutes
BEGIN_IN_THE_DARK = ("index.html", "01_js_saturation/lab.html")
WIDTHS = (360, 1280)  # columns are narrowest on a telephone, and on a screen between two side bars
SCREEN = {"width": WIDTHS[-1], "height": 900}
PHONE = {"width": 390, "height": 844}
# Chapters whose every formula was looked at on a telephone; elsewhere a long one scrolls in its own box.
LOOKED_AT = re.compile(r"^(index|notation|0[1-4]_[^/]+/(chapter|lab))\.html$")
PATIENCE = 180_000.0  # milliseconds, for a page of many formulas on a busy processor
# What the theme, the widgets and the libraries bring; not ours to mend here, each looked at.
KNOWN = {
    "label-content-name-mismatch": "the theme's search button",
    "aria-input-field-name": "ipywidgets' sliders have their label beside them, without a reference to it",
    "scrollable-region-focusable": "code and formulas that scroll sideways",
    "aria-allowed-role": "the roles of docutils' bibliography",
    "aria-deprecated-role": "the roles of docutils' bibliography",
    "aria-required-children": "the roles of docutils' bibliography",
}
HARMLESS = ("strict mode: use allowUnionTypes",)
READY = "window.MathJax?.startup?.promise !== undefined || !document.querySelector('.math')"
SETTLED = """async () => {
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
}"""
THEME = """async (wanted) => {
  const root = document.documentElement;
  for (let tries = 0; tries < 100 && root.dataset.theme !== wanted; tries += 1) {
    await new Promise((go) => { setTimeout(go, 20); });
  }
  return root.dataset.theme;
}"""
AT_ONCE = "*, ::before, ::after { transition: none !important; animation: none !important; }"
RAW_TEX = r"""() => {
  const walker = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
  const raw = [];
  while (walker.nextNode()) {
    const skipped = "pre, code, script, style, mjx-container, .jupyter-widgets";
    const inside = walker.currentNode.parentElement.closest(skipped);
    const text = walker.currentNode.data;
    if (!inside && /\\\(|\\\[|\$[^$\n]+\$|\\(frac|mathcal|operatorname)/.test(text)) raw.push(text);
  }
  return raw;
}"""
COUNTS = """() => ["article .math", "article mjx-container", "mjx-merror"].map(
  (selector) => document.querySelectorAll(selector).length)"""
OPEN = """document.querySelectorAll("details").forEach((one) => { one.open = true; })"""
UNFIT = """() => {
  const room = (element) => {
    let block = element.parentElement;
    while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement;
    const style = getComputedStyle(block);
    return block.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  };
  return [...document.querySelectorAll("article mjx-container")].filter((formula) =>
    !formula.closest("td, th")
    && formula.querySelector("mjx-math").getBoundingClientRect().width > room(formula) + 2
  ).map((formula) => formula.querySelector("mjx-assistive-mml").textContent.slice(0, 60));
}"""
BROKEN = r"""() => [...document.querySelectorAll("article td code .pre")].filter(
  (name) => /^[\w.]+$/.test(name.textContent) && name.getClientRects().length > 1).map((name) => name.textContent)"""
# Formulas are put aside first: MathJax describes them to screen readers itself, and there are thousands of elements in
# them, which took most of the time.
WITHOUT_FORMULAS = "document.querySelectorAll('mjx-container').forEach((one) => one.replaceChildren('x'))"
AXE = """async (options) => (await axe.run(
  {exclude: [["mjx-container"]]}, {preload: false, resultTypes: ["violations"], ...options}
)).violations.map((found) => [found.id, found.nodes.length, found.nodes[0].html.slice(0, 160)])"""
CONTRASTS = ("color-contrast", "link-in-text-block")
# Contrasts, which take axe longest, do not differ from one chapter to the next: the first stands for all, and so do a
# page of the reference and a problem set. In the dark nothing else can differ.
ALIKE = re.compile(r"/((?!01)\d\d_[^/]+/|api/(?!transport)|problem_sets/(?!ps01))[^/]+$")
LEVELS = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


def pages_of(built_book):
    found = [file.relative_to(built_book).as_posix() for file in sorted(built_book.rglob("*.html"))]
    return [name for name in found if not name.startswith(("_static", "genindex", "search", "prf-", "_"))]


@dataclass
class Seen:
    """What one page did and showed."""

    themes: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    complaints: list = field(default_factory=list)
    counts: tuple = ()
    raw: list = field(default_factory=list)
    unfit: list = field(default_factory=list)
    too_wide: list = field(default_factory=list)
    broken: list = field(default_factory=list)
    slid: set = field(default_factory=set)
    violations: list = field(default_factory=list)

    def outside(self):
        return [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))]


class Tab:
    """One page of a browser, which shows file after file: with a new page begins a new process."""

    def __init__(self, context):
        self.page, self.seen = context.new_page(), Seen()
        self.page.on("request", lambda request: self.seen.asked.append(request.url))
        self.page.on("requestfailed", self.miss)
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.seen.complaints.append(str(error)))
        self.page.set_default_timeout(PATIENCE)

    def miss(self, request):
        if request.failure != "net::ERR_ABORTED":  # a picture for a width that has been left meanwhile
            self.seen.complaints.append(f"failed: {request.url}")

    def hear(self, message):
        if message.type in {"error", "warning"} and not message.text.startswith(HARMLESS):
            self.seen.complaints.append(message.text)

    def open(self, file):
        """A page, settled, and what it has asked for and complained of so far and from then on."""
        self.page.goto("about:blank")  # what the last file still says is the last file's
        self.seen = Seen()
        self.page.goto(Path(file).as_uri())
        self.page.wait_for_function(READY)
        self.page.evaluate(SETTLED)
        return self.page, self.seen


def look(tab, folder, name, axe):
    """All of a page that is tried on every page: a page is opened once, as the formulas of a chapter take seconds."""
    tab.page.set_viewport_size(PHONE)
    tab.page.emulate_media(color_scheme="light")
    page, seen = tab.open(folder / name)
    seen.counts, seen.raw = page.evaluate(COUNTS), page.evaluate(RAW_TEX)
    resize(page, name, seen)
    slide(page, seen)
    page.evaluate(WITHOUT_FORMULAS)
    page.add_script_tag(path=str(axe))
    page.add_style_tag(content=AT_ONCE)
    alike = ALIKE.search(f"/{name}")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        seen.themes.append(page.evaluate(THEME, theme))
        seen.violations += [] if alike and theme == "dark" else page.evaluate(AXE, options(theme, alike))
    return seen


def resize(page, name, seen):
    """From a telephone to a screen."""
    page.evaluate(OPEN)
    seen.unfit = page.evaluate(UNFIT) if LOOKED_AT.match(name) else []
    for width in WIDTHS:
        page.set_viewport_size(SCREEN | {"width": width})
        seen.too_wide += [width] if page.evaluate("document.documentElement.scrollWidth") > width else []
    seen.broken = page.evaluate(BROKEN)


def slide(page, seen):
    """The first slider of a lab, from one end to the other by the keyboard."""
    if not page.locator('script[type="application/vnd.jupyter.widget-view+json"]').count():
        return
    page.wait_for_selector(".jupyter-widgets", timeout=20_000)
    slider = page.locator(".noUi-handle").first
    slider.focus()
    for key in ("Home", "End"):
        slider.press(key)
        seen.slid.add(slider.get_attribute("aria-valuenow"))


def options(theme, alike):
    """What axe looks for: all of it in the light, contrasts where they can differ."""
    if theme == "dark":
        return {"runOnly": {"type": "rule", "values": CONTRASTS}}
    return {"runOnly": LEVELS, "rules": {rule: {"enabled": not alike} for rule in CONTRASTS}}


@pytest.fixture(scope="module", params=PARTS)
def part(request):
    return request.param


@pytest.fixture(scope="module")
def seen(chromium, built_book, course_root, part):
    """Every page of a part, opened with no network."""
    names = [name for name in pages_of(built_book) if name[:2].isdigit() == (part == "chapters")]
    axe = ensure_packages(course_root) / "axe-core" / "axe.min.js"
    context = chromium.new_context(offline=True)
    tab = Tab(context)
    yield {name: look(tab, built_book, name, axe) for name in names}
    context.close()


@pytest.fixture
def context(chromium):
    context = chromium.new_context(viewport=SCREEN, color_scheme="dark", offline=True)
    yield context
    context.close()


def faults(seen, fault):
    """Pages that have one, and what it is."""
    return {name: found for name, page in seen.items() if (found := fault(page))}


def test_pages_ask_no_host_for_anything(seen):
    assert len(seen) > 8
    assert faults(seen, Seen.outside) == {}


def test_pages_complain_of_nothing(seen):
    assert faults(seen, lambda page: page.complaints) == {}


def test_pages_follow_the_colour_scheme(seen):
    assert faults(seen, lambda page: page.themes != ["light", "dark"]) == {}


def test_mathematics_is_typeset(seen):
    assert faults(seen, lambda page: page.counts[1] < page.counts[0]) == {}
    assert faults(seen, lambda page: page.counts[2]) == {}
    assert sum(page.counts[1] for page in seen.values()) > 50


def test_no_tex_is_left(seen):
    assert faults(seen, lambda page: page.raw) == {}


def test_no_page_scrolls_sideways(seen):
    assert faults(seen, lambda page: page.too_wide) == {}


def test_names_in_tables_stay_whole_on_a_screen(seen):
    assert faults(seen, lambda page: page.broken) == {}


def test_formulas_fit_a_telephone(seen):
    looked_at = [name for name in seen if LOOKED_AT.match(name)]
    assert len(looked_at) >= 2
    assert {name: seen[name].unfit for name in looked_at if seen[name].unfit} == {}


@pytest.mark.parametrize("part", PARTS[:1], indirect=True)
def test_widgets_are_alive_without_a_kernel(seen):
    slid = {name: page.slid for name, page in seen.items() if page.slid}
    assert slid, "at least the lab of chapter 1 has a slider"
    assert {name: values for name, values in slid.items() if len(values) < 2} == {}


def test_accessibility(seen):
    assert faults(seen, lambda page: [found for found in page.violations if found[0] not in KNOWN]) == {}


@pytest.mark.parametrize("name", BEGIN_IN_THE_DARK)
def test_a_page_that_begins_in_the_dark_is_dark_and_complains_of_nothing(context, built_book, name):
    page, seen = Tab(context).open(built_book / name)
    assert page.evaluate(THEME, "dark") == "dark"
    assert seen.complaints == []
    assert seen.outside() == []


def test_side_bar_toggles_say_what_they_open(context, built_book):
    page, _ = Tab(context).open(built_book / "index.html")
    said = page.locator(".bd-sidebar-primary summary").evaluate_all("all => all.map((one) => one.ariaLabel)")
    assert said
    assert all(text.startswith("Sections of ") for text in said)
