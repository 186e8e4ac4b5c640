"""Only the pictograms that a page shows travel with the book."""

import re
import shutil
import subprocess
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tools.book import icons

THEME = distribution("pydata-sphinx-theme")  # which jupyter-book brings
WHOLE = Path(str(THEME.locate_file("pydata_sphinx_theme/theme/pydata_sphinx_theme/static/scripts/fontawesome.js")))


@pytest.fixture(scope="module")
def whole():
    return WHOLE.read_text(encoding="utf-8")


def names(script):
    return {entry["quoted"] or entry["plain"] for entry in icons.ENTRY.finditer(script)}


def test_the_names_are_those_of_pages_and_of_scripts_that_change_them(tmp_path):
    (tmp_path / "_static" / "scripts").mkdir(parents=True)
    (tmp_path / "page.html").write_text('<i class="fa-solid fa-moon"></i>')
    (tmp_path / "_static" / "own.js").write_text('button.className = "fas fa-check"')
    (tmp_path / icons.SCRIPT).write_text("fa-never")
    assert icons.shown(tmp_path) == {"solid", "moon", "check"}


def test_what_is_shown_stays_also_by_an_older_name_and_all_else_goes(whole):
    assert len(names(whole)) > 1000
    small = icons.only_used(whole, {"moon", "magnifying-glass", "level-up-alt", "solid"})
    assert names(small) == {"moon", "magnifying-glass", "turn-up"}
    assert len(small) < len(whole) / 10


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize("used", [set(), {"moon"}, {"0"}])
def test_what_is_left_is_a_script(tmp_path, whole, used):
    file = tmp_path / "small.js"
    file.write_text(icons.only_used(whole, used))
    assert subprocess.run(["node", "--check", file], capture_output=True, check=False).returncode == 0


def test_the_book_has_every_pictogram_that_it_shows(built_book, whole):
    kept = names((built_book / icons.SCRIPT).read_text(encoding="utf-8"))
    asked = {name for name in icons.shown(built_book) if re.search(rf'[{{,]"?{re.escape(name)}"?:\[\d', whole)}
    assert asked <= kept
    assert len(kept) < 100
