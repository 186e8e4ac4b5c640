"""Takes the two pictures of README.md from the built book and from a real check: python tools/pictures.py"""

import shutil
import sys
import tempfile
from pathlib import Path

import torch
from playwright.sync_api import sync_playwright

from wgan_course.check import report
from wgan_grader.own import try_out

ROOT = Path(__file__).resolve().parents[1]
FRAME = """<style>
body {{ font: 15px/1.45 "DejaVu Sans", sans-serif; margin: 0; padding: 22px 26px; width: 660px; color: #222 }}
pre {{ background: #f3f5f6; border: 1px solid #dde3e6; padding: 12px; font: 13.5px/1.5 "DejaVu Sans Mono", monospace }}
</style><pre>{code}</pre>{check}"""
CODE = """def kl(p, q):
    return torch.where(p > 0, p * torch.log(p / (q + 1e-12)), 0).sum(-1)


check("ps01.kl", kl)"""


def kl(p, q):
    """A divergence with a mistake that many make."""
    return torch.where(p > 0, p * torch.log(p / (q + 1e-12)), 0).sum(-1)


def main(site: str | Path = ROOT / "_build" / "html") -> None:
    """Write docs/page.png and docs/check.png."""
    chapter = Path(site, "01_js_saturation", "chapter.html")
    out = ROOT / "docs"
    out.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1180, "height": 860})
        page.goto(chapter.as_uri() + "#prop-optimal-discriminator")
        page.wait_for_timeout(3000)
        page.screenshot(path=out / "page.png")
        verdict = try_out("ps01.kl", kl)
        with tempfile.NamedTemporaryFile("w", suffix=".html", delete=False) as file:
            file.write(FRAME.format(code=CODE, check=report.html(verdict)))
        page.set_viewport_size({"width": 720, "height": 400})
        page.goto(Path(file.name).as_uri())
        page.screenshot(path=out / "check.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
