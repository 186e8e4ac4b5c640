"""A figure as a PNG file, drawn once: `savefig` draws it twice and measures it once more to cut it to its contents."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


def png(figure: Figure, dpi: float) -> bytes:
    """Draw a figure and cut it to what is drawn, with matplotlib's margin around it.

    A figure whose layout is not matplotlib's constrained one, or that reaches beyond its edge, is left to `savefig`.
    """
    pixels = _drawn(figure, dpi) if _has_room_for_all(figure) else None
    if pixels is None or _reaches_the_edge(pixels):
        return _saved(figure, dpi)
    return _encoded(_cut(pixels, _margin(dpi)))


def _has_room_for_all(figure: Figure) -> bool:
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine)


def _drawn(figure: Figure, dpi: float) -> NDArray[np.uint8] | None:
    """What the figure looks like; None where something lies outside that the layout does not look after."""
    before = figure.dpi
    try:
        figure.set_dpi(dpi)
        canvas = _canvas(figure)
        canvas.draw()
        within = all(_lies_within(artist, figure) for artist in _left_out(figure))
        return np.array(canvas.buffer_rgba()) if within else None
    finally:
        figure.set_dpi(before)


def _left_out(figure: Figure) -> Iterator[Artist]:
    """What the layout gives no room: the figure's own, and labels and titles that are longer than their side."""
    from matplotlib.text import Text

    yield from (*figure.texts, *figure.legends, *figure.artists)
    for ax in figure.axes:
        texts = [child for child in ax.get_children() if isinstance(child, Text)]
        yield from (text for text in (*texts, ax.xaxis.label, ax.yaxis.label) if text.get_text())


def _canvas(figure: Figure) -> FigureCanvasAgg:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = figure.canvas
    return canvas if isinstance(canvas, FigureCanvasAgg) else FigureCanvasAgg(figure)


def _lies_within(artist: Artist, figure: Figure) -> bool:
    box = artist.get_window_extent()
    return (
        figure.bbox.x0 <= box.x0 and figure.bbox.y0 <= box.y0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
    )


def _marks(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the picture differs from its ground, the colour of its first corner."""
    return (pixels != pixels[0, 0]).any(axis=2)


def _reaches_the_edge(pixels: NDArray[np.uint8]) -> bool:
    marks = _marks(pixels)
    return bool(marks[[0, -1]].any() or marks[:, [0, -1]].any() or not marks.any())


def _margin(dpi: float) -> int:
    import matplotlib as mpl

    return round(mpl.rcParams["savefig.pad_inches"] * dpi)


def _cut(pixels: NDArray[np.uint8], margin: int) -> NDArray[np.uint8]:
    marks = _marks(pixels)
    rows, columns = np.flatnonzero(marks.any(axis=1)), np.flatnonzero(marks.any(axis=0))
    inner = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = inner.shape[:2]
    whole = np.empty((height + 2 * margin, width + 2 * margin, 4), np.uint8)
    whole[:] = pixels[0, 0]
    whole[margin : margin + height, margin : margin + width] = inner
    return whole


def _encoded(pixels: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "png", compress_level=1)
    return buffer.getvalue()


def _saved(figure: Figure, dpi: float) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", pil_kwargs={"compress_level": 1})
    return buffer.getvalue()
