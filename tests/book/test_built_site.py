"""The built pages as files: links lead somewhere, pictures have words, nothing comes from another host."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from tools.book.extension import read_ledger
from tools.book.freshness import page_digests
from tools.book.lint import _entries

LOADED = {
    "script": "src",
    "img": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "embed": "src",
}
CSS_LOADS = re.compile(r"""(?:@import\s+|url\()\s*['"]?((?:https?:)?//[^'")\s]+)""")
JS_LOADS = re.compile(r"""(?:import\s*\(|importScripts\(|\.src\s*=|fetch\()\s*["'`](https?://[^"'`]+)""")
NOT_LOADED = {"canonical", "next", "prev", "search", "index", "author"}


class Page(HTMLParser):
    """Ids, links, pictures, and what the browser loads."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.pictures, self.loads, self.styles = set(), [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids |= {value for key, value in attrs if key in {"id", "name"} and value}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "img":
            self.pictures.append((given.get("src", ""), given.get("alt") or ""))
        if tag in LOADED and given.get(LOADED[tag]) and not NOT_LOADED & set((given.get("rel") or "").split()):
            self.loads.append(given[LOADED[tag]])
        if given.get("style"):
            self.styles.append(given["style"])


@pytest.fixture(scope="module")
def pages(built_book):
    found = [file for file in sorted(built_book.rglob("*.html")) if "_static" not in file.parts]
    return {file.relative_to(built_book).as_posix(): Page(file.read_text(encoding="utf-8")) for file in found}


def outside(address):
    return urlsplit(address).netloc != "" or address.startswith("//")


@pytest.fixture(scope="module")
def listed(course_root):
    return set(_entries(yaml.safe_load((course_root / "_toc.yml").read_text())))


def test_every_page_of_the_contents_is_built(pages, listed):
    assert {f"{name}.html" for name in listed} <= set(pages)


def test_pages_load_nothing_from_outside(pages):
    assert {page: bad for page, found in pages.items() if (bad := list(filter(outside, found.loads)))} == {}


def test_styles_load_nothing_from_outside(built_book, pages):
    sheets = {str(file.relative_to(built_book)): file.read_text("utf-8") for file in built_book.rglob("*.css")}
    inline = {page: "\n".join(found.styles) for page, found in pages.items()}
    assert {name: bad for name, text in (sheets | inline).items() if (bad := CSS_LOADS.findall(text))} == {}


def test_scripts_load_nothing_from_outside(built_book):
    scripts = {str(file.relative_to(built_book)): file.read_text("utf-8") for file in built_book.rglob("*.js")}
    assert {name: bad for name, text in scripts.items() if (bad := JS_LOADS.findall(text))} == {}


def test_pages_start_no_service_of_others(built_book):
    words = ("thebe", "mybinder", "hypothes.is", "googletagmanager", "utteranc")
    for file in built_book.rglob("*.html"):
        text = file.read_text("utf-8").lower()
        assert [word for word in words if word in text] == [], file.name


def target(built_book, page, link):
    parts = urlsplit(link)
    file = (built_book / page).parent / unquote(parts.path) if parts.path else built_book / page
    return file.resolve(), unquote(parts.fragment)


def test_links_lead_somewhere(built_book, pages):
    by_file = {(built_book / name).resolve(): found for name, found in pages.items()}
    broken = []
    for page, found in pages.items():
        for link in found.links:
            if urlsplit(link).scheme or outside(link):
                continue
            file, anchor = target(built_book, page, link)
            known = by_file.get(file)
            if not file.exists() or (anchor and known and anchor not in known.ids):
                broken.append(f"{page}: {link}")
    assert broken == []


def test_loaded_files_exist(built_book, pages):
    lost = []
    for page, found in pages.items():
        for name in found.loads:
            if not name.startswith("data:") and not target(built_book, page, name)[0].exists():
                lost.append(f"{page}: {name}")
    assert lost == []


def test_pictures_have_words(pages):
    silent = [
        f"{page}: {source}"
        for page, found in pages.items()
        for source, alt in found.pictures
        if len(alt.strip()) < 10 or Path(alt).suffix in {".png", ".svg"}
    ]
    assert silent == []


def test_no_source_of_a_failed_page_is_left(built_book):
    assert not list(built_book.rglob("*.err.log"))
    assert not list((built_book / "reports").rglob("*"))


def test_mathematics_comes_with_the_book(built_book):
    assert (built_book / "_static" / "vendor" / "mathjax" / "tex-mml-chtml.js").is_file()
    assert len(list((built_book / "_static" / "vendor" / "mathjax").rglob("*.woff"))) > 20


def test_the_site_is_light(built_book):
    assert sum(file.stat().st_size for file in built_book.rglob("*") if file.is_file()) < 40e6


def test_pages_do_not_name_the_machine(built_book, course_root):
    for file in built_book.rglob("*.html"):
        assert str(course_root) not in file.read_text("utf-8"), file.name


def test_numbers_of_the_ledger_are_all_shown(pages, course_root):
    wanted = {f"ledger-{key}" for key in read_ledger(course_root / "book" / "ledger.json")}
    assert wanted <= pages["appendices/numbers.html"].ids


def test_every_page_that_runs_has_its_time(built_book, course_root, listed):
    text = (built_book / "appendices" / "runtimes.html").read_text("utf-8")
    running = {page.rsplit(".", 1)[0] for page in page_digests(course_root)} & listed
    assert len(running) >= 3
    assert [page for page in running if page not in text] == []


def test_a_page_keeps_nothing_but_itself(built_book):
    """What Sphinx keeps of a page, and loads again and again, holds no environment: that alone has 17 MB."""
    kept = {file.stem: file.stat().st_size for file in (built_book.parent / ".doctrees").rglob("*.doctree")}
    assert len(kept) > 20
    assert {name: size for name, size in kept.items() if size > 2e6} == {}
