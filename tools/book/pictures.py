"""Takes the narrow drawing out of each figure of a page and lets the browser choose by the width of the screen."""

import re
import struct
from pathlib import Path
from typing import Any

from wgan_course.figures import narrow

__all__ = ["choose_by_width", "offer_narrow"]

IMAGE = re.compile(r'<img\b[^>]*\bsrc="(?P<address>[^"]*_images/(?P<name>[^"/]+\.png))"[^>]*>')
SIDES = re.compile(
    r'<picture class="stacked">((?:(?!</figure>).)*?<figcaption>(?:(?!</figure>).)*?\b(?:left|right)\b)', re.I | re.S
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

    A wrapping whose caption speaks of left and right, where the narrow drawing has above and below, gets the class
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
