"""Pictures of the built pages: a narrow drawing for narrow screens, which the browser chooses, and small files."""

import base64
import io
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image

from wgan_course.figures import narrow

__all__ = ["choose_by_width", "lighten", "lighten_site", "offer_narrow"]

IMAGE = re.compile(r'<img\b[^>]*\bsrc="(?P<address>[^"]*_images/(?P<name>[^"/]+\.png))"[^>]*>')
SHOWN = re.compile(r"_images/([^\"'/?# )]+)")
EMBEDDED = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
HASHED = re.compile(r"[0-9a-f]{64}$")
SIDES = re.compile(
    r'<picture class="stacked">((?:(?!</figure>).)*?<figcaption>'
    r"(?=(?:(?!</figure>).)*?\bleft\b)(?:(?!</figure>).)*?\bright\b)",
    re.I | re.S,
)


def offer_narrow(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Rewrite the images of a page that is about to be written (an event handler of Sphinx).

    Parameters
    ----------
    app : Sphinx
    pagename, templatename : str
    context : dict
        Its ``body`` is the page in HTML, and is changed.
    doctree : document or None
        None for pages that no source was written for.
    """
    if doctree is None or "body" not in context:
        return
    sources = {name: Path(app.srcdir, source) for source, name in app.builder.images.items()}
    context["body"] = choose_by_width(context["body"], sources, Path(app.outdir) / "_images")


def choose_by_width(body: str, sources: dict[str, Path], folder: Path) -> str:
    """Wrap each image that has a narrow drawing inside, and write that drawing to a file of its own.

    A wrapping whose caption speaks of both left and right, where the narrow drawing has above and below, gets the class
    ``sides``: the style sheet adds a word about it.

    Parameters
    ----------
    body : str
        HTML.
    sources : dict of str to Path
        Files of the images by the name that they have in the page.
    folder : Path
        Where the narrow drawings go.

    Returns
    -------
    body : str
    """

    def wrap(image: re.Match[str]) -> str:
        name, address = image["name"], image["address"]
        wide, drawing = narrow.detach(sources[name].read_bytes()) if name in sources else (b"", None)
        if drawing is None:
            return image[0]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"narrow-{name}").write_bytes(drawing)
        address = address.removesuffix(name) + f"narrow-{name}"
        kind = ' class="stacked"' if _is_stacked(wide, drawing) else ""
        return f'<picture{kind}><source media="{narrow.SCREEN}" srcset="{address}">{image[0]}</picture>'

    return SIDES.sub(r'<picture class="stacked sides">\1', IMAGE.sub(wrap, body))


def _is_stacked(wide: bytes, drawing: bytes) -> bool:
    """Whether panels that stood beside each other stand under each other now, as far as the shapes tell."""
    (width, height), (narrow_width, narrow_height) = _size(wide), _size(drawing)
    return width > 1.4 * height and narrow_height > narrow_width


def _size(picture: bytes) -> tuple[int, int]:
    return struct.unpack(">II", picture[16:24])


def lighten(app: Any, exception: Exception | None) -> None:
    """Make the built site smaller without changing a pixel (an event handler of Sphinx).

    Pictures become WebP without loss, a quarter of the size, those inside the pages too. Maps of minified scripts go,
    older forms of fonts that are there as WOFF2, and pictures that no page shows any more.

    Parameters
    ----------
    app : Sphinx
    exception : Exception or None
        What stopped the build, if anything did.
    """
    if exception is None and app.builder.format == "html":
        lighten_site(Path(app.outdir))


def lighten_site(site: Path) -> None:
    """Do for a folder of pages what `lighten` does for a build.

    Parameters
    ----------
    site : Path
        With ``_images`` and ``_static``.
    """
    pages = {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    shown = {name for text in pages.values() for name in SHOWN.findall(text)}
    kept = shown | {f"{Path(name).stem}.png" for name in shown}
    idle = [file for file in (site / "_images").glob("*") if file.name not in kept]
    old = [file.with_suffix(".ttf") for file in (site / "_static").rglob("*.woff2")]
    for file in [*idle, *old, *(site / "_static").rglob("*.map")]:
        file.unlink(missing_ok=True)
    with ThreadPoolExecutor() as pool:  # Pillow lets go of the interpreter while it encodes
        list(pool.map(_to_webp, (site / "_images").glob("*.png")))
        inside = {code for text in pages.values() for code in EMBEDDED.findall(text)}
        smaller = dict(zip(inside, pool.map(_embedded, inside), strict=True))
    made = {file.stem for file in (site / "_images").glob("*.webp")}
    for page, text in pages.items():
        changed = SHOWN.sub(lambda found: _renamed(found, made), text)
        changed = EMBEDDED.sub(lambda found: f"data:image/webp;base64,{smaller[found[1]]}", changed)
        if changed != text:
            page.write_text(changed, encoding="utf-8")


def _renamed(address: re.Match[str], made: set[str]) -> str:
    name = Path(address[1])
    return f"_images/{name.stem}.webp" if name.suffix == ".png" and name.stem in made else address[0]


def _to_webp(picture: Path) -> None:
    target = picture.with_suffix(".webp")
    if not (target.is_file() and HASHED.search(picture.stem)):  # one that is named by its content was made before
        target.write_bytes(_webp(picture.read_bytes()))
    picture.unlink()


def _embedded(code: str) -> str:
    return base64.b64encode(_webp(base64.b64decode(code))).decode()


def _webp(png: bytes) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.save(out, "webp", lossless=True, exact=True, method=2, quality=40)
    return out.getvalue()
