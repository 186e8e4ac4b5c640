"""Sphinx extension of the book: pages run several at once, figures fit the screen, quoted numbers come from a ledger.

The ledger is ``book/ledger.json``. In a page, ``{ledger}`sn-cifar-wgan-gp-is` `` renders the number and links it to
its row in the table that the directive ``{ledger-table}`` writes, with paper, version and place.
"""

import json
from pathlib import Path
from typing import Any, ClassVar, cast

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.util.docutils import SphinxDirective, SphinxRole

from tools.book import measured
from tools.book.execution import run_ahead
from tools.book.pictures import lighten, offer_narrow

__all__ = ["LedgerRole", "LedgerTable", "read_ledger", "setup"]

COLUMNS = {
    "text": "Number",
    "what": "Of what",
    "paper": "Paper",
    "version": "Version",
    "where": "Where",
    "mark": "Mark",
}
WIDTHS = (12, 34, 20, 12, 14, 8)


def read_ledger(path: Path) -> dict[str, dict[str, Any]]:
    """Every quoted number, by its id.

    Parameters
    ----------
    path : Path
        ``book/ledger.json``.

    Returns
    -------
    entries : dict of str to dict

    Raises
    ------
    ValueError
        If an entry lacks a field, or two entries share an id.
    """
    entries = json.loads(path.read_text(encoding="utf-8"))
    for entry in entries:
        missing = {"id", "value", *COLUMNS} - entry.keys()
        if missing:
            raise ValueError(f"{path.name}: entry {entry.get('id', '?')!r} lacks {', '.join(sorted(missing))}")
    by_id = {entry["id"]: entry for entry in entries}
    if len(by_id) != len(entries):
        raise ValueError(f"{path.name}: two entries share an id")
    return by_id


def _ledger(env: Any) -> dict[str, dict[str, Any]]:
    path = Path(env.srcdir) / "ledger.json"
    env.note_dependency(str(path))
    return read_ledger(path)


class LedgerRole(SphinxRole):
    """A number of the ledger, linked to where it comes from."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The linked number, or an error for an id that the ledger does not have.

        Returns
        -------
        found, messages : list of Node, list of system_message
        """
        entry = _ledger(self.env).get(self.text)
        if entry is None:
            message = self.inliner.reporter.error(f"ledger.json has no entry {self.text!r}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        inner = nodes.inline("", entry["text"], classes=["ledger"])
        link = addnodes.pending_xref(
            "",
            inner,
            refdomain="std",
            reftype="ref",
            reftarget=f"ledger-{self.text}",
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )
        return [link], []


class LedgerTable(SphinxDirective):
    """A table of the ledger's numbers; with ``:paper:``, of one paper's."""

    option_spec: ClassVar = {"paper": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """The table, with a link target in each row.

        Returns
        -------
        found : list of Node
        """
        wanted = self.options.get("paper")
        entries = [entry for entry in _ledger(self.env).values() if wanted in (None, entry["paper"])]
        group = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in WIDTHS), cols=len(COLUMNS))
        group += nodes.thead("", nodes.row("", *(_cell(title) for title in COLUMNS.values())))
        group += nodes.tbody("", *(self._row(entry) for entry in entries))
        return [nodes.table("", group, classes=["ledger-table"])]

    def _row(self, entry: dict[str, Any]) -> nodes.row:
        name = f"ledger-{entry['id']}"
        cast(StandardDomain, self.env.get_domain("std")).note_hyperlink_target(
            name, self.env.docname, name, entry["text"]
        )
        cells = [_cell(entry[column]) for column in COLUMNS]
        next(cells[0].findall(nodes.paragraph))["ids"].append(name)
        return nodes.row("", *cells)


def _cell(text: str) -> nodes.entry:
    return nodes.entry("", nodes.paragraph("", text))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role, the directive, and what happens to pages before they are read and written.

    Parameters
    ----------
    app : Sphinx

    Returns
    -------
    metadata : dict
    """
    app.connect("env-before-read-docs", run_ahead)
    app.connect("html-page-context", offer_narrow)
    app.connect("build-finished", lighten)
    app.add_role("ledger", LedgerRole())
    app.add_directive("ledger-table", LedgerTable)
    measured.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
