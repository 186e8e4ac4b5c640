"""A figure that is drawn once looks as `savefig` has it; where that cannot be, `savefig` draws it."""

from io import BytesIO

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.image import imread
from PIL import Image

from wgan_course import figures
from wgan_course.figures import drawing


@pytest.fixture(autouse=True)
def course_style():
    with figures.style():
        yield
    plt.close("all")


def saved(figure, dpi=100):
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight")
    return imread(BytesIO(buffer.getvalue()))


def once(figure, dpi=100):
    return imread(BytesIO(drawing.png(figure, dpi)))


def inked(picture):
    """The picture without the ground around it."""
    marks = (picture != picture[0, 0]).any(axis=2)
    rows, columns = np.flatnonzero(marks.any(axis=1)), np.flatnonzero(marks.any(axis=0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def lines():
    figure, ax = plt.subplots(figsize=(5, 3))
    ax.plot([1, 2, 3], [1, 100, 10], label=r"loss $\hat W_1$")
    ax.set(yscale="log", xlabel="step $t$", ylabel="a long name of the axis", title="title")
    ax.legend()
    return figure


def panels():
    figure, axes = plt.subplots(2, 2, figsize=(7, 4), sharex=True)
    for number, ax in enumerate(axes.flat):
        ax.plot(np.arange(5) ** number, label=f"line {number}")
    figure.legend(loc="outside upper center", ncols=4)
    figure.suptitle("four panels")
    return figure


def square():
    figure, ax = plt.subplots(figsize=(8, 3))
    figure.colorbar(ax.imshow(np.eye(4)), ax=ax)
    return figure


def beside():
    figure, ax = plt.subplots(figsize=(6, 3))
    ax.plot([0, 1], label="a line")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    ax.annotate("above the axes", (0.5, 1.1), xycoords="axes fraction")
    return figure


def blurred(picture):
    """In few squares: savefig moves what it cuts by a part of a pixel, which shades lines and letters."""
    size = [24 * side // max(picture.shape) for side in picture.shape[1::-1]]
    image = Image.fromarray((255 * picture).astype(np.uint8)).convert("L")
    return np.asarray(image.resize(size, Image.Resampling.BOX), float) / 255


@pytest.mark.parametrize("make", [lines, panels, square, beside])
@pytest.mark.parametrize("dpi", [100, 160])
def test_what_is_drawn_once_is_what_savefig_draws(make, dpi):
    expected, found = inked(saved(make(), dpi)), inked(once(make(), dpi))
    assert np.abs(np.subtract(found.shape, expected.shape)).max() <= 1
    assert np.abs(blurred(found) - blurred(expected)).max() < 0.1


@pytest.mark.parametrize("make", [lines, panels, square, beside])
def test_the_margin_is_matplotlibs(make):
    picture = once(make())
    margin = round(100 * plt.rcParams["savefig.pad_inches"])
    assert picture.shape[0] == inked(picture).shape[0] + 2 * margin
    assert picture.shape[1] == inked(picture).shape[1] + 2 * margin


def outside():
    figure = lines()
    figure.text(0.5, -0.2, "far below the figure")
    return figure


def cut():
    figure = lines()
    figure.text(0.97, 0.5, "half of this lies outside")
    return figure


def placed():
    figure = plt.figure(figsize=(4, 3), layout="none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.plot([0, 1])
    return figure


def long_label():
    figure = lines()
    figure.axes[0].set_ylabel("a label that is longer than the side of the picture that it stands at")
    return figure


def long_title():
    figure = lines()
    figure.axes[0].set_title("a title that is longer than the figure is wide, and goes on, and on, and on, and on")
    return figure


def empty():
    return plt.figure(figsize=(2, 1))


@pytest.mark.parametrize("make", [outside, cut, placed, long_label, long_title, empty])
def test_nothing_is_lost_where_the_layout_does_not_hold_it(make):
    assert np.array_equal(once(make()), saved(make()))


def test_the_figure_keeps_its_resolution_and_size():
    figure = lines()
    before = figure.dpi, tuple(figure.get_size_inches())
    drawing.png(figure, 37)
    assert (figure.dpi, tuple(figure.get_size_inches())) == before


def test_the_comparison_would_see_a_panel_less():
    figure = panels()
    figure.axes[2].remove()
    assert np.abs(blurred(inked(once(figure))) - blurred(inked(once(panels())))).max() > 0.1
