"""Spelling, and links of the texts: within the course always, to other hosts on demand.

``python -m tools.book.words --outside`` asks each address that a page links to, and prints those that do not answer.
"""

import argparse
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

from tools.book.pages import text_pages

__all__ = ["WORDS", "ask", "dead_links", "lost_links", "outside_links", "spelling"]

WORDS = "book/words.txt"  # what codespell takes for mistakes and the field does not
SPELLED = (".md", ".py", ".yml", ".toml", ".cff", ".css", ".js", ".sh")
LINK = re.compile(r"(?<!\\)!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
SOURCE = re.compile(r"<img[^>]*\bsrc=\"([^\"]+)\"|<a[^>]*\bhref=\"([^\"]+)\"")
ADDRESS = re.compile(r"https?://[^\s)>\"'`\]}]+")
CODE = re.compile(r"^(`{3,}).*?^\1[ \t]*$|`[^`\n]+`", re.M | re.S)


def spelling(root: Path) -> list[str]:
    """Words that codespell takes for misspelt ones, in texts, code and its comments, apart from those of `WORDS`."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False).stdout
    files = [name for name in listed.split("\0") if name.endswith(SPELLED) and (root / name).is_file()]
    if not files:
        return []
    ignored = ["--ignore-words", WORDS] if (root / WORDS).is_file() else []
    command = [sys.executable, "-m", "codespell_lib", *ignored, *files]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return ran.stdout.splitlines() + (ran.stderr.splitlines() if ran.returncode not in {0, 65} else [])


def lost_links(root: Path) -> list[str]:
    """Links of the texts at the top and in the book to files that are not there."""
    findings = []
    for name, text in _texts(root):
        for link in _links(text):
            path = unquote(link.partition("#")[0])
            if "://" in link or link.startswith("mailto:") or not set(path) & set("./"):  # the last: a label
                continue
            place = root / "book" / path[1:] if path.startswith("/") else (root / name).parent / path
            if not place.exists():
                findings.append(f"{name} links to {link}, which is not there")
    return findings


def outside_links(root: Path) -> dict[str, str]:
    """Addresses on other hosts that the texts and the references name, each with the first file that does."""
    texts = [*_texts(root), ("book/references.bib", (root / "book" / "references.bib").read_text(encoding="utf-8"))]
    found: dict[str, str] = {}
    for name, text in texts:
        for address in ADDRESS.findall(text):
            if "localhost" not in address:
                found.setdefault(address.rstrip(".,;:"), name)
    return found


def dead_links(root: Path, answers: Callable[[str], bool]) -> list[str]:
    """Addresses on other hosts that do not answer."""
    addresses = outside_links(root)
    with ThreadPoolExecutor(8) as pool:
        alive = pool.map(answers, addresses)
        return [
            f"{addresses[one]} links to {one}: no answer"
            for one, good in zip(addresses, alive, strict=True)
            if not good
        ]


def ask(address: str) -> bool:
    """Whether a host has a page at an address; one that only refuses programs (401, 403, 429) has."""
    request = urllib.request.Request(address, headers={"User-Agent": "link check"})
    try:
        with urllib.request.urlopen(request, timeout=30):
            return True
    except urllib.error.HTTPError as error:
        return error.code in {401, 403, 405, 429}
    except OSError:
        return False


def _texts(root: Path) -> Iterator[tuple[str, str]]:
    for page in sorted(root.glob("*.md")):
        yield page.name, page.read_text(encoding="utf-8")
    yield from text_pages(root)


def _links(text: str) -> Iterator[str]:
    plain = CODE.sub("", text)
    yield from LINK.findall(plain)
    yield from (source or link for source, link in SOURCE.findall(plain))


def main() -> None:
    """Print what was found, and end with 1 if anything was."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--outside", action="store_true", help="ask other hosts too")
    root = Path(__file__).resolve().parents[2]
    findings = spelling(root) + lost_links(root)
    findings += dead_links(root, ask) if parser.parse_args().outside else []
    sys.stdout.writelines(f"{finding}\n" for finding in findings)
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
