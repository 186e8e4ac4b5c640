"""Makes the pictures of README.md from the built book, a check and trained generators: python tools/pictures.py"""

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from playwright.sync_api import sync_playwright

from wgan_course.check import report
from wgan_course.models import pretrained
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


def samples(out: Path, count: int = 14) -> None:
    """Write what the generators that come with the package make: clothes by class, and four categories of emoji."""
    z = torch.randn(count, 64, generator=torch.Generator().manual_seed(3))
    rows = []
    for name, kinds in (("fashion-mnist-conditional", (0, 3, 7, 8, 9)), ("emoji", (0, 1, 3, 5))):
        for kind in kinds:
            with torch.no_grad():
                made = pretrained.load(name)(z, torch.full((count,), kind))
            colours = (127.5 * (made.expand(-1, 3, -1, -1) + 1)).byte().permute(0, 2, 3, 1).numpy()
            side = (34 - colours.shape[1]) // 2
            margin = 0 if name.startswith("fashion") else 255
            rows.append(
                np.hstack(
                    [np.pad(image, ((side,) * 2, (side,) * 2, (0,) * 2), constant_values=margin) for image in colours]
                )
            )
    grid = np.vstack(rows)
    picture = Image.fromarray(grid).resize((2 * grid.shape[1], 2 * grid.shape[0]), Image.Resampling.NEAREST)
    picture.quantize(128).save(out / "samples.png", optimize=True)


def shrink(file: Path) -> None:
    """Keep 64 colours: a screen shot needs no more, and takes a third of the space."""
    Image.open(file).convert("RGB").quantize(64).save(file, optimize=True)


def main(site: str | Path = ROOT / "_build" / "html") -> None:
    """Write docs/page.png, docs/check.png and docs/samples.png."""
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
    for name in ("page.png", "check.png"):
        shrink(out / name)
    samples(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
