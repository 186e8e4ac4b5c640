"""Figures that the reader can touch: the directive ``explorable``, and the scripts that make its figures live.

Each figure is a folder of ``book/explorables`` with ES modules: its mathematics, and ``view.js``, which draws it. Since
a browser loads no module from disk, esbuild makes one plain script of each view, and of a ``worker.js`` a text inside
it. ``still.webp`` and ``still.json`` (the figure as it stands at first, and its numbers) are there for paper, for
browsers without scripts and for readers who cannot see it: ``python -m tools.book.explorables`` takes both anew.

In a page, the options are ``:alt:`` (required) and ``:name:``, and the content is the caption::

    ```{explorable} two_masses
    :name: fig-touch-two-masses
    :alt: What there is to see at first, and what can be changed.
    The caption.
    ```
"""

import io
import json
import shutil
import sys
import tempfile
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tools.book.assets import run_esbuild

__all__ = ["ExplorableDirective", "bundle", "setup", "take_stills"]

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "book" / "explorables"
PLACE = "explorables"  # of the scripts, in the built book's _static
STILL_OF = {"playground": "?playground=1&rounds=700"}  # what a still shows where the start is not telling
SCREEN: Any = {"width": 900, "height": 900}
LIVE = '<div class="explorable-live" data-explorable="{name}" role="group" aria-label="{alt}"></div>'
TWIN = '<details class="explorable-twin"><summary>The same in numbers</summary>{table}</details>'
PAGE = """<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>{name}</title>
<link rel="stylesheet" href="explorable.css"><main class="bd-article" style="width: 760px"><h1>{name}</h1>
<figure class="explorable">{live}{twin}</figure></main><script src="{name}/view.js" defer></script></html>"""


class ExplorableDirective(SphinxDirective):
    """A live figure with its still, its numbers and its caption."""

    has_content = True
    required_arguments = 1
    option_spec: ClassVar = {"alt": directives.unchanged_required, "name": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """The figure.

        Returns
        -------
        found : list of Node
        """
        name = self.arguments[0]
        folder = SOURCES / name
        if not (folder / "view.js").is_file():
            raise self.error(f"book/explorables has no figure {name!r}")
        if not self.options.get("alt") or not self.content:
            raise self.error(f"explorable {name!r} needs :alt: and a caption")
        for file in (*folder.iterdir(), *(SOURCES / "shared").iterdir()):
            self.env.note_dependency(str(file))
        figure = nodes.figure("", classes=["explorable"], explorable=name)
        figure += nodes.raw("", LIVE.format(name=name, alt=escape(self.options["alt"])), format="html")
        figure += nodes.image(
            uri=f"/explorables/{name}/still.webp", alt=self.options["alt"], classes=["explorable-still"]
        )
        figure += nodes.raw(
            "", TWIN.format(table=_table(json.loads((folder / "still.json").read_text("utf-8")))), format="html"
        )
        figure += self._caption()
        self.set_source_info(figure)
        self.add_name(figure)
        return [figure]

    def _caption(self) -> nodes.caption:
        parsed = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, parsed)
        first, *more = parsed.children
        if more or not isinstance(first, nodes.paragraph):
            raise self.error("the caption of an explorable is one paragraph")
        return nodes.caption(first.rawsource, "", *first.children)


def _table(twin: dict[str, Any]) -> str:
    """The numbers of a figure as an HTML table, as `shared/mount.js` writes it too."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in twin["head"])
    rows = ("".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in twin["rows"])
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def names() -> list[str]:
    """The figures that there are.

    Returns
    -------
    names : list of str
    """
    return sorted(file.parent.name for file in SOURCES.glob("*/view.js"))


def bundle(out: Path) -> None:
    """Write the script of each figure, the style sheet that they share, and the data of the one that has some.

    Parameters
    ----------
    out : Path
        Gets ``NAME/view.js`` and ``explorable.css``.
    """
    from tools.book import generator_data  # imports torch, which a book without figures has no use for

    for name in names():
        _bundle_view(SOURCES / name, out)
    generator_data.write(out)
    run_esbuild(ROOT, SOURCES / "explorable.css", f"--outfile={out / 'explorable.css'}")


def _bundle_view(figure: Path, out: Path) -> None:
    """One figure's script; its worker, if it has one, is a text inside it, since no worker starts from disk."""
    command = [figure / "view.js", "--format=iife", f"--outdir={out}", f"--outbase={SOURCES}"]
    with tempfile.TemporaryDirectory() as folder:
        if (figure / "worker.js").is_file():
            worker = Path(folder, "worker.txt")
            run_esbuild(ROOT, figure / "worker.js", "--format=iife", f"--outfile={worker}")
            command += [f"--alias:worker-source={worker}", "--loader:.txt=text"]
        run_esbuild(ROOT, *command)


def write_trial(folder: Path) -> list[Path]:
    """A page for each figure alone, with the scripts: what tests and stills look at.

    Parameters
    ----------
    folder : Path
        Where they go.

    Returns
    -------
    pages : list of Path
    """
    bundle(folder)
    pages = []
    for name in names():
        pages.append(folder / f"{name}.html")
        twin = TWIN.format(table=_table({"head": [""], "rows": []}))
        pages[-1].write_text(PAGE.format(name=name, live=LIVE.format(name=name, alt=name), twin=twin), encoding="utf-8")
    return pages


def take_stills(wanted: list[str] | None = None) -> None:
    """Take picture and numbers of each figure as it stands at first, in Chromium.

    Parameters
    ----------
    wanted : list of str, optional
        Only these figures.
    """
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SCREEN, device_scale_factor=2, reduced_motion="reduce")
        for file in write_trial(Path(folder)):
            if wanted and file.stem not in wanted:
                continue
            page.goto(file.as_uri() + STILL_OF.get(file.stem, ""))
            page.wait_for_selector("[data-still]", timeout=120_000)
            picture = Image.open(io.BytesIO(page.locator(".explorable-drawing").screenshot()))
            picture.save(SOURCES / file.stem / "still.webp", quality=82, method=6)
            twin = page.evaluate(TWIN_OF)
            text = json.dumps(twin, ensure_ascii=False, indent=1) + "\n"
            (SOURCES / file.stem / "still.json").write_text(text, encoding="utf-8")
        browser.close()


TWIN_OF = """() => {
  const cells = (row) => [...row.cells].map((cell) => cell.textContent);
  const table = document.querySelector(".explorable-twin table");
  return {head: cells(table.tHead.rows[0]), rows: [...table.tBodies[0].rows].map(cells)};
}"""


def _bundle_for(app: Sphinx) -> None:
    """Write the scripts for a book that has a figure on any page."""
    pages = Path(app.srcdir).rglob("*.md")
    if app.builder.format == "html" and any("{explorable}" in page.read_text(encoding="utf-8") for page in pages):
        bundle(Path(app.outdir, "_static", PLACE))


def _load(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Let a page load the scripts of its figures, and no others."""
    figures = doctree.findall(nodes.figure) if doctree is not None else ()
    shown = [figure for figure in figures if "explorable" in figure["classes"]]
    if shown:
        app.add_css_file(f"{PLACE}/explorable.css")
    for figure in shown:
        app.add_js_file(f"{PLACE}/{figure['explorable']}/view.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive, and what happens when the book is built.

    Parameters
    ----------
    app : Sphinx

    Returns
    -------
    metadata : dict
    """
    app.add_directive("explorable", ExplorableDirective)
    app.connect("builder-inited", _bundle_for)
    app.connect("html-page-context", _load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    take_stills(sys.argv[1:])
