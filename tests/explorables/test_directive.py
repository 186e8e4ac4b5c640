"""The directive: what it writes into a page, and what it refuses."""

import re
import shutil

import pytest

from tools.book import explorables

CONF = "extensions = ['myst_parser', 'tools.book.explorables']\nnumfig = True\nhtml_theme = 'basic'\n"
PAGE = """# Page

```{explorable} playground
:name: fig-one
:alt: A "plane" & more.
The caption with $x$.
```

See {numref}`fig-one`.
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory, course_root, forked):
    def build_it(pages):
        source = tmp_path_factory.mktemp("book")
        (source / "conf.py").write_text(CONF)
        shutil.copytree(course_root / "book" / "explorables", source / "explorables")
        for name, text in pages.items():
            (source / name).write_text(text)
        out = source / "out"
        words = ["-W", "--keep-going", "-q", "-b", "html", str(source), str(out)]
        return out, forked(f"import sys; from sphinx.cmd.build import main; sys.exit(main({words}))", course_root)

    return build_it


@pytest.fixture(scope="module")
def built(build):
    out, ran = build({"index.md": PAGE + "\n```{toctree}\nother\n```\n", "other.md": "# Other\n\nNothing live.\n"})
    assert ran.returncode == 0, ran.stderr
    return out


def test_a_page_has_the_figure_its_still_its_numbers_and_its_caption(built):
    page = (built / "index.html").read_text("utf-8")
    figure = re.search(r"<figure.*?</figure>", page, re.DOTALL)[0]
    assert 'data-explorable="playground"' in figure
    assert 'aria-label="A &quot;plane&quot; &amp; more."' in figure
    assert re.search(r'<img [^>]*alt="A &quot;plane&quot; &amp; more\."', figure)
    assert "exact W₁</th>" in figure
    assert "The caption with" in figure
    assert 'id="fig-one"' in figure
    assert "Fig. 1" in page.split("</figure>")[1]


def test_only_the_pages_with_a_figure_load_its_script(built):
    script = re.compile(r'<script[^>]*src="_static/explorables/playground/view\.js[^"]*"')
    assert script.search((built / "index.html").read_text("utf-8"))
    assert not script.search((built / "other.html").read_text("utf-8"))
    assert (built / "_static" / "explorables" / "playground" / "view.js").stat().st_size < 60_000
    assert (built / "_static" / "explorables" / "explorable.css").is_file()


def test_scripts_hold_no_address_of_another_host(built):
    for script in built.rglob("_static/explorables/**/*.js"):
        hosts = set(re.findall(r"https?://([\w.]+)", script.read_text("utf-8")))
        assert hosts <= {"www.w3.org"}, script  # the name of SVG, which nothing is asked of


BROKEN = [
    ("no figure 'nowhere'", PAGE.replace("playground", "nowhere")),
    ("needs :alt:", re.sub(":alt:.*\n", "", PAGE)),
    ("and a caption", PAGE.replace("The caption with $x$.\n", "")),
    ("is one paragraph", PAGE.replace("$x$.\n", "$x$.\n\nTwo paragraphs.\n")),
]


def test_what_is_missing_is_told(build):
    pages = {f"page{number}.md": text.split("See")[0] for number, (_, text) in enumerate(BROKEN)}
    _, ran = build({"index.md": "# Index\n\n```{toctree}\n:glob:\n\npage*\n```\n"} | pages)
    assert ran.returncode
    for name, (complaint, _) in zip(pages, BROKEN, strict=True):
        assert re.search(f"{name}.*{complaint}", ran.stderr), ran.stderr


def test_every_figure_has_its_still_and_its_numbers():
    assert explorables.names()
    for name in explorables.names():
        assert (explorables.SOURCES / name / "still.webp").stat().st_size < 150_000
        assert (explorables.SOURCES / name / "still.json").is_file()
