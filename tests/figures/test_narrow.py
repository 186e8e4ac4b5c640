"""The second, narrow drawing of each figure: what it looks like, how it travels, when it is made."""

import zlib
from base64 import b64decode
from io import BytesIO
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from IPython.core.events import EventManager, available_events
from IPython.core.formatters import DisplayFormatter
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.image import imread

from wgan_course import figures
from wgan_course.figures import drawing, narrow


@pytest.fixture(autouse=True)
def course_style():
    with figures.style():
        yield
    plt.close("all")


def png(size=(3, 2)):
    figure = plt.figure(figsize=size)
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def draw(rows=1, columns=1, **options):
    figure, axes = plt.subplots(rows, columns, squeeze=False, **options)
    for number, ax in enumerate(axes.flat):
        ax.plot([0, 1], [number, 1], label=f"line {number}")
    return figure, axes


def shell_of_a_notebook():
    """An IPython whose formatters are a fresh notebook's."""
    return SimpleNamespace(display_formatter=DisplayFormatter(), events=EventManager(None, available_events))


def boxes(figure):
    """Where the panels stand once the layout is settled."""
    figure.canvas.draw()
    return [ax.get_position() for ax in figure.axes]


def test_a_picture_carries_another_and_gives_it_back():
    wide, small = png(), png((1, 1))
    both = narrow.attach(wide, small)
    assert narrow.detach(both) == (wide, small)
    assert np.array_equal(imread(BytesIO(both)), imread(BytesIO(wide))), "other programs see no change"


def test_a_picture_with_nothing_inside_stays_as_it_is():
    assert narrow.detach(png()) == (png(), None)
    assert narrow.detach(b"GIF89a") == (b"GIF89a", None)


def test_the_chunk_is_well_formed():
    wide = png()
    chunk = narrow.attach(wide, b"inside")[len(wide) - narrow.END : -narrow.END]
    assert chunk[:8] == len(b"inside").to_bytes(4, "big") + narrow.CHUNK
    assert chunk[-4:] == zlib.crc32(narrow.CHUNK + b"inside").to_bytes(4, "big")
    assert [bool(letter & 32) for letter in narrow.CHUNK] == [True, True, False, True], "ancillary, private, copied"


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)])
def test_panels_come_under_each_other_in_reading_order(rows, columns):
    figure, axes = draw(rows, columns, figsize=(8.6, 3.6))
    assert narrow.stack(figure) is figure
    found = boxes(figure)
    assert [ax.figure for ax in figure.axes] == [figure] * (rows * columns)
    tops = [box.y1 for box in found]
    assert tops == sorted(tops, reverse=True)
    assert len({round(box.x1, 2) for box in found}) == 1
    assert all(upper.y0 > lower.y1 for upper, lower in pairwise(found)), "no panel covers another"
    assert figure.get_size_inches()[0] == narrow.WIDTH
    assert list(axes.flat) == figure.axes


def test_panels_keep_their_proportions_nearly():
    figure, _ = draw(1, 2, figsize=(8.6, 3.9))
    narrow.stack(figure)
    assert figure.get_size_inches()[1] == pytest.approx(2 * 3.9), "two panels of 4.3 by 3.9 inches, one over the other"
    figure, _ = draw(figsize=(7, 3.6))
    narrow.stack(figure)
    assert 2.1 <= figure.get_size_inches()[1] <= 3.6


def test_grids_within_a_panel_move_with_it():
    figure = plt.figure(figsize=(8.6, 3.4))
    outer = figure.add_gridspec(1, 3)
    for number in range(3):
        inner = outer[number].subgridspec(2, 2)
        figure.add_subplot(inner[1, 1])
        figure.add_subplot(inner[0, 1])
    narrow.stack(figure)
    found = boxes(figure)
    assert found[1].y0 > found[0].y1 > found[3].y1, "margin over panel; the next panel's margin further down"
    assert found[3].y0 > found[2].y1
    assert found[0].x0 == pytest.approx(found[2].x0, abs=0.02)


def test_a_figure_of_another_make_keeps_its_layout():
    figure = plt.figure(figsize=(8, 3))
    figure.add_axes((0.1, 0.1, 0.3, 0.8))
    narrow.stack(figure)
    assert tuple(figure.get_size_inches()) == (8, 3)
    figure, axes = plt.subplots(2, 2, figsize=(8, 4))
    axes[1, 0].remove()
    figure.add_subplot(axes[0, 0].get_gridspec()[1, :])
    assert tuple(narrow.stack(figure).get_size_inches()) == (8, 4)


def test_a_colour_bar_stays_with_its_panel():
    figure, axes = plt.subplots(1, 2, figsize=(8, 4))
    figure.colorbar(axes[1].imshow(np.eye(3)), ax=axes[1])
    narrow.stack(figure)
    first, second, bar = boxes(figure)
    assert second.y0 - 0.05 < bar.y0 < bar.y1 < first.y0


def test_axes_that_shared_labels_get_their_own():
    figure, axes = draw(1, 2, sharey=True, figsize=(8, 3))
    axes[0, 0].set(ylabel="share", xlabel="step")
    narrow.stack(figure)
    figure.canvas.draw()
    assert axes[0, 1].get_ylabel() == "share"
    assert axes[0, 1].get_xlabel() == "", "not shared, so not copied"
    assert any(label.get_visible() and label.get_text() for label in axes[0, 1].get_yticklabels())


def test_columns_that_shared_the_lower_axis_get_it_each():
    figure, axes = draw(2, 2, sharex=True, sharey=True, figsize=(8, 5))
    for ax in axes[1]:
        ax.set_xlabel("age")
    narrow.stack(figure)
    assert [ax.get_xlabel() for ax in axes.flat] == ["age"] * 4


def test_each_row_keeps_its_own_name_and_each_column_its_title():
    figure, axes = draw(3, 2, sharex=True, sharey=True, figsize=(6, 8))
    for row, name in zip(axes, ("clip", "ball", "penalty"), strict=True):
        row[0].set_ylabel(name)
    for ax, title in zip(axes[0], ("ring", "roll"), strict=True):
        ax.set_title(title)
    axes[2, 1].set_title("its own")
    narrow.stack(figure)
    assert [ax.get_ylabel() for ax in axes.flat] == ["clip", "clip", "ball", "ball", "penalty", "penalty"]
    titles = [next(filter(None, map(ax.get_title, ("left", "center", "right"))), "") for ax in axes.flat]
    assert titles == ["ring", "roll", "ring", "roll", "ring", "its own"]


def test_panels_that_stood_under_each_other_share_as_before():
    figure, axes = draw(2, 1, sharex=True, figsize=(7, 5))
    axes[1, 0].set_xlabel("age")
    narrow.stack(figure)
    assert axes[0, 0].get_xlabel() == ""


def test_a_single_panels_legend_goes_below():
    figure, axes = draw(figsize=(7, 3.6))
    axes[0, 0].legend(loc="upper left")
    narrow.stack(figure)
    assert axes[0, 0].get_legend() is None
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["line 0"]
    figure.canvas.draw()
    legend = figure.legends[0].get_window_extent().transformed(figure.transFigure.inverted())
    assert legend.y1 < axes[0, 0].get_position().y0


def test_a_legend_keeps_its_title():
    figure, axes = draw(figsize=(7, 3.6))
    axes[0, 0].legend(title="method")
    narrow.stack(figure)
    assert figure.legends[0].get_title().get_text() == "method"


def test_a_framed_legend_stays_on_its_ground():
    figure, axes = draw(figsize=(7, 5))
    axes[0, 0].legend(loc="upper right", frameon=True, facecolor="black", labelcolor="white")
    narrow.stack(figure)
    assert axes[0, 0].get_legend() is not None


def test_a_legend_that_stood_beside_its_panel_comes_in():
    figure, axes = draw(1, 2, figsize=(8, 3))
    axes[0, 0].legend()
    axes[0, 1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    narrow.stack(figure)
    assert axes[0, 0].get_legend() is not None
    assert axes[0, 1].get_legend() is None
    assert len(figure.legends) == 1


def test_a_wide_legend_breaks_into_rows():
    figure, axes = draw(1, 3, figsize=(9, 3))
    labels = ["a curve with a long name", "another one with a long name", "a third"]
    figure.legend([axes[0, 0].lines[0]] * 3, labels, loc="outside upper center", ncols=3)
    narrow.stack(figure)
    figure.canvas.draw()
    assert figure.legends[0].get_window_extent().width < figure.bbox.width


def test_long_titles_break_between_words_and_not_in_formulas():
    title = r"a long title with a formula $\frac{1}{2} + \frac{1}{3} + \frac{1}{4}$ that would be cut off in a hand"
    figure, axes = draw(figsize=(7, 3))
    axes[0, 0].set_title(title)
    narrow.stack(figure)
    broken = axes[0, 0].get_title(loc="left").split("\n")
    assert len(broken) > 1
    assert " ".join(broken) == title
    assert all(line.count("$") % 2 == 0 for line in broken)


def test_tick_labels_keep_apart():
    figure, axes = draw(figsize=(7, 3))
    axes[0, 0].set_xlim(-1, 1)
    narrow.stack(figure)
    figure.canvas.draw()
    shown = [label.get_window_extent() for label in axes[0, 0].get_xticklabels() if label.get_text()]
    assert all(one.x1 < other.x0 for one, other in pairwise(shown))


def test_letters_are_as_large_as_the_text_around():
    figure, axes = draw(1, 2, figsize=(9, 3.6))
    width = imread(BytesIO(narrow.render(figure))).shape[1]
    pixels = axes[0, 0].xaxis.get_ticklabels()[0].get_fontsize() / 72 * narrow.DPI * 350 / width
    assert pixels > 9


def test_twice_is_made_only_for_the_book(monkeypatch):
    monkeypatch.delenv(narrow.SWITCH, raising=False)
    assert not narrow.wanted()
    plain = figures.to_png(draw()[0])
    assert narrow.detach(plain) == (plain, None)
    monkeypatch.setenv(narrow.SWITCH, "1")
    wide, small = narrow.detach(figures.to_png(draw()[0]))
    assert wide == plain
    assert small is not None


def test_outside_a_notebook_nothing_is_installed(monkeypatch):
    monkeypatch.setenv(narrow.SWITCH, "1")
    narrow.install()
    figures.use_style()
    assert plt.get_backend().lower() == "agg"


def test_a_notebook_shows_both_drawings(monkeypatch):
    monkeypatch.setenv(narrow.SWITCH, "1")
    shell = shell_of_a_notebook()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    narrow.install()
    drawer = shell.display_formatter.formatters["image/png"].lookup_by_type(Figure)
    wide, small = narrow.detach(b64decode(drawer(draw(1, 2, figsize=(8, 3))[0])))
    assert wide == drawing.png(draw(1, 2, figsize=(8, 3))[0], plt.rcParams["figure.dpi"])
    assert imread(BytesIO(small)).shape[0] > imread(BytesIO(small)).shape[1], "one panel over the other"
    assert drawer(plt.figure()) is None


def test_a_slider_offers_both_drawings(monkeypatch):
    monkeypatch.setenv(narrow.SWITCH, "1")
    box = figures.frames([figures.to_png(draw()[0])] * 2, ["one", "two"], description="which")
    card = box.children[1].children[0].value
    assert card.startswith("<picture><source media=")
    assert card.count("data:image/png") == 2
    assert 'alt="one"' in card
