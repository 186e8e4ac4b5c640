"""Pictures: grids of images, and sliders of figures that need no kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import narrow
from .strokes import as_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

LEVEL_SLACK = 1e-3


def image_grid(ax: Axes, images: ArrayLike, *, columns: int = 8) -> Axes:
    """Lay grey or colour images with levels in [-1, 1] out in rows; -1 is black.

    Parameters
    ----------
    images : array_like or Tensor, shape (n, 1 or 3, height, width)

    Raises
    ------
    ValueError
        When they have another number of channels or levels outside [-1, 1], or `columns` is under 1.
    """
    import torch
    from torchvision.utils import make_grid

    array = as_array(images, "images", 4)
    if array.shape[1] not in {1, 3} or columns < 1:
        raise ValueError(
            f"images must have shape (n, 1 or 3, h, w) and columns be 1 or more; got {array.shape}, {columns}."
        )
    if not np.abs(array).max() <= 1 + LEVEL_SLACK:
        raise ValueError(
            f"images must have levels in [-1, 1], got {array.min():g} to {array.max():g}; clamp or convert."
        )
    sheet = make_grid(torch.from_numpy(array), nrow=columns, padding=0, pad_value=-1).numpy()
    if array.shape[1] == 1:
        ax.imshow(sheet[0], cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    else:
        ax.imshow((sheet.transpose(1, 2, 0).clip(-1, 1) + 1) / 2, interpolation="nearest")
    ax.set_axis_off()
    return ax


def to_png(figure: Any, dpi: int = 100) -> bytes:
    """Render a figure to PNG bytes and close it: one frame of a slider that needs no kernel."""
    from matplotlib import pyplot as plt

    picture = narrow.twice(figure, dpi)
    plt.close(figure)
    return picture


def frames(
    pictures: Sequence[bytes], labels: Sequence[str], *, description: str, start: int = 0, width: int = 720
) -> Any:
    """Turn precomputed pictures into a slider that also works in the built book, with no kernel.

    The slider and the stack of pictures are tied by ``jslink``, which runs in the page. Each label is the picture's
    alternative text too, so that a screen reader can tell what each position shows.

    Parameters
    ----------
    pictures : sequence of bytes
        PNG images, as `to_png` gives them.
    labels : sequence of str
        What each one shows, in words.
    description : str
        What the slider changes.
    start : int
        Position shown first.
    width : int
        Width of the pictures in CSS pixels; they shrink with a narrow page.

    Raises
    ------
    ValueError
        When there are no pictures, or not one label each.
    """
    import ipywidgets as widgets

    if not pictures or len(pictures) != len(labels):
        raise ValueError(f"pictures and labels must pair up, got {len(pictures)} and {len(labels)}.")
    cards = [widgets.HTML(_card(data, text, width)) for data, text in zip(pictures, labels, strict=True)]
    stack = widgets.Stack(cards, selected_index=start)
    slider = widgets.IntSlider(
        value=start, max=len(pictures) - 1, description=description, style={"description_width": "initial"}
    )
    widgets.jslink((slider, "value"), (stack, "selected_index"))
    return widgets.VBox([slider, stack])


def _card(picture: bytes, label: str, width: int) -> str:
    from base64 import b64encode
    from html import escape

    sources = [f"data:image/png;base64,{b64encode(data).decode()}" for data in narrow.detach(picture) if data]
    choice = "".join(f'<source media="{narrow.SCREEN}" srcset="{source}">' for source in sources[1:])
    text = escape(label, quote=True)
    image = f'<img src="{sources[0]}" alt="{text}" style="width: {width}px; max-width: 100%">'
    return f"<picture>{choice}{image}</picture><p>{text}</p>"
