"""The plotting helpers: what they draw, against the data; what they refuse; and that the strokes can be told apart."""

import itertools
from base64 import b64encode

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import colors
from matplotlib import pyplot as plt

from wgan_course import figures

mpl.use("Agg")


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def luminance(colour):
    rgb = np.array(colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


# --- strokes ---------------------------------------------------------------------------------------------------


def test_strokes_stand_out_from_white():
    contrasts = [1.05 / (luminance(stroke.colour) + 0.05) for stroke in figures.STROKES]
    assert min(contrasts) >= 3


@pytest.mark.parametrize("attribute", ["colour", "dash", "marker"])
def test_strokes_differ_in_every_attribute(attribute):
    values = [getattr(stroke, attribute) for stroke in figures.STROKES]
    assert len(set(values)) == len(values)


# Linear-RGB matrices of Machado, Oliveira and Fernandes (2009), severity 1.
PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]


@pytest.mark.parametrize("matrix", [PROTANOPIA, DEUTERANOPIA])
def test_the_first_four_colours_stay_apart_for_the_colour_blind(matrix):
    seen = [np.clip(matrix @ np.array(colors.to_rgb(stroke.colour)) ** 2.2, 0, 1) for stroke in figures.STROKES[:4]]
    gaps = [np.abs(a ** (1 / 2.2) - b ** (1 / 2.2)).max() for a, b in itertools.combinations(seen, 2)]
    assert min(gaps) > 0.12


def test_stroke_cycles_and_refuses_negative_numbers():
    assert figures.stroke(len(figures.STROKES)) is figures.STROKES[0]
    with pytest.raises(ValueError, match="index"):
        figures.stroke(-1)


# --- style -----------------------------------------------------------------------------------------------------


def test_style_holds_in_the_block_only():
    before = mpl.rcParams["font.size"]
    with figures.style(font_size=17, axes_grid=False):
        assert mpl.rcParams["font.size"] == 17
        assert not mpl.rcParams["axes.grid"]
        assert mpl.rcParams["savefig.facecolor"] == "white"
    assert mpl.rcParams["font.size"] == before


def test_style_names_an_unknown_setting():
    with pytest.raises(ValueError, match="font_sise"), figures.style(font_sise=3):
        pass


def test_use_style_stays():
    with mpl.rc_context():
        figures.use_style()
        assert mpl.rcParams["legend.handlelength"] == 3.2


# --- as_array --------------------------------------------------------------------------------------------------


def test_as_array_detaches_tensors():
    values = torch.tensor([1.0, 2.0], requires_grad=True)
    np.testing.assert_array_equal(figures.as_array(values, "x", 1), [1, 2])


@pytest.mark.parametrize(("values", "message"), [([], "empty"), ([[1.0]], "1 axes"), (3.0, "1 axes")])
def test_as_array_refuses(values, message):
    with pytest.raises(ValueError, match=message):
        figures.as_array(values, "x", 1)


# --- lines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(7))
def test_curve_draws_the_data_with_its_stroke(ax, index):
    x = np.linspace(0, 1, 21)
    assert figures.curve(ax, x, x**2, label="square", index=index) is ax
    (line,) = ax.lines
    np.testing.assert_allclose(line.get_xydata(), np.stack([x, x**2], axis=1))
    assert line.get_color() == figures.stroke(index).colour
    assert line.get_marker() == figures.stroke(index).marker


def test_curve_without_markers_and_with_options(ax):
    figures.curve(ax, [0, 1], [1, 2], markers=0, linewidth=5)
    assert ax.lines[0].get_marker() == "None"
    assert ax.lines[0].get_linewidth() == 5


def test_curve_of_a_single_point_draws(ax):
    figures.curve(ax, [0.0], [1.0], index=3)
    ax.figure.canvas.draw()
    assert ax.lines[0].get_markevery()[0] == 0


def test_curve_refuses_unequal_lengths(ax):
    with pytest.raises(ValueError, match="one length"):
        figures.curve(ax, [0, 1], [1])


def test_curves_give_each_series_its_own_stroke_and_a_legend(ax):
    figures.curves(ax, [0, 1], {"a": [0, 1], "b": [1, 0]}, first=2)
    assert [line.get_color() for line in ax.lines] == [figures.stroke(i).colour for i in (2, 3)]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]


def test_interval_band_covers_low_to_high(ax):
    figures.curve_with_interval(ax, [0, 1, 2], [1, 2, 3], [0, 1, 2], [2, 3, 5], index=1)
    (band,) = ax.collections
    corners = band.get_paths()[0].vertices
    assert (corners[:, 1].min(), corners[:, 1].max()) == (0, 5)


def test_interval_band_refuses_swapped_bounds(ax):
    with pytest.raises(ValueError, match="swapped"):
        figures.curve_with_interval(ax, [0, 1], [1, 1], [2, 2], [0, 0])


def test_interval_over_seeds_against_scipy():
    from scipy import stats

    runs = np.random.default_rng(0).normal(size=(5, 3))
    centre, low, high = figures.interval_over_seeds(runs, 0.9)
    for column in range(3):
        expected = stats.t.interval(0.9, 4, loc=runs[:, column].mean(), scale=stats.sem(runs[:, column]))
        np.testing.assert_allclose((low[column], high[column]), expected)
        assert centre[column] == pytest.approx(runs[:, column].mean())


@pytest.mark.parametrize(("runs", "level"), [([[1.0, 2.0]], 0.95), ([[1.0], [2.0]], 1.0), ([[1.0], [2.0]], 0.0)])
def test_interval_over_seeds_refuses(runs, level):
    with pytest.raises(ValueError, match=r"seeds|level"):
        figures.interval_over_seeds(runs, level)


def test_infinity_band_sits_at_its_level(ax):
    figures.infinity_band(ax, [0, 1, 2], level=7, label="infinite", index=1)
    assert {y for line in ax.lines for y in line.get_ydata()} == {7}
    assert ax.lines[0].get_label() == "infinite"


# --- points ----------------------------------------------------------------------------------------------------


def test_points_on_line(ax):
    figures.points_on_line(ax, torch.tensor([1.0, 3.0]), height=0.5, label="real")
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[1, 0.5], [3, 0.5]])
    assert ax.lines[0].get_linestyle() == "None"


def test_point_cloud_areas_are_proportional_to_mass(ax):
    figures.point_cloud(ax, [[0, 0], [1, 1]], weights=[1, 3], size=10)
    np.testing.assert_allclose(ax.collections[0].get_sizes(), [5, 15])
    np.testing.assert_allclose(ax.collections[0].get_offsets(), [[0, 0], [1, 1]])


@pytest.mark.parametrize("weights", [[1], [-1, 2], [0, 0]])
def test_point_cloud_refuses_bad_weights(ax, weights):
    with pytest.raises(ValueError, match="weights"):
        figures.point_cloud(ax, [[0, 0], [1, 1]], weights=weights)


def test_point_cloud_refuses_three_dimensions(ax):
    with pytest.raises(ValueError, match="project"):
        figures.point_cloud(ax, [[0, 0, 0]])


def test_arrows_are_scaled_in_data_units(ax):
    figures.arrows(ax, [[0, 0], [1, 1]], [[1, 0], [0, 2]], scale=0.5)
    (quiver,) = ax.collections
    np.testing.assert_allclose(np.stack([quiver.U, quiver.V], axis=1), [[0.5, 0], [0, 1]])
    with pytest.raises(ValueError, match="one shape"):
        figures.arrows(ax, [[0, 0]], [[1, 0], [0, 2]])


# --- surfaces --------------------------------------------------------------------------------------------------


def test_mesh_lists_the_grid_row_by_row():
    xs, ys, points = figures.mesh((0, 1, 2, 4), 3)
    assert xs.shape == ys.shape == (3, 3)
    np.testing.assert_allclose(points[1], [0.5, 2])
    np.testing.assert_allclose(points[-1], [1, 4])


@pytest.mark.parametrize(("bounds", "resolution"), [((1, 0, 0, 1), 5), ((0, 1, 1, 1), 5), ((0, 1, 0, 1), 1)])
def test_mesh_refuses(bounds, resolution):
    with pytest.raises(ValueError, match="bounds"):
        figures.mesh(bounds, resolution)


def test_evaluate_gives_the_same_for_module_and_function():
    layer = torch.nn.Linear(2, 1).double()
    points = np.random.default_rng(1).normal(size=(6, 2))
    weight, bias = layer.weight.detach().numpy()[0], layer.bias.item()
    np.testing.assert_allclose(figures.evaluate(layer, points), points @ weight + bias)
    np.testing.assert_allclose(figures.evaluate(lambda x: x @ weight + bias, points), points @ weight + bias)


def test_evaluate_takes_a_module_without_parameters():
    np.testing.assert_allclose(figures.evaluate(torch.nn.Flatten(0), np.ones((3, 1))), [1, 1, 1])


def test_evaluate_refuses_two_values_a_point():
    with pytest.raises(ValueError, match="one value a point"):
        figures.evaluate(lambda x: x, np.zeros((4, 2)))


def test_value_surface_level_lines_lie_on_their_level(ax):
    figures.value_surface(ax, lambda x: x[:, 0], (0, 1, 0, 1), resolution=11, levels=[0.25, 0.5, 0.75])
    lines = ax.collections[1]
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        np.testing.assert_allclose(path.vertices[:, 0], level)
    assert ax.get_aspect() == 1


def test_value_surface_with_a_bar_adds_an_axes(ax):
    figures.value_surface(ax, lambda x: x.sum(1), (0, 1, 0, 1), resolution=5, bar=True)
    assert len(ax.figure.axes) == 2


# --- couplings -------------------------------------------------------------------------------------------------


def test_plan_heat_map_shows_the_coupling_and_its_numbers(ax):
    coupling = np.array([[0.5, 0.0], [0.2, 0.3]])
    figures.plan_heat_map(ax, coupling, rows=["a", "b"], columns=["u", "v"])
    np.testing.assert_allclose(ax.images[0].get_array(), coupling)
    assert sorted(text.get_text() for text in ax.texts) == ["0.2", "0.3", "0.5"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["u", "v"]


def test_plan_heat_map_leaves_numbers_out_of_a_large_table(ax):
    figures.plan_heat_map(ax, np.eye(9) / 9)
    assert not ax.texts


def test_plan_heat_map_refuses_negative_mass(ax):
    with pytest.raises(ValueError, match="cost"):
        figures.plan_heat_map(ax, [[0.5, -0.1]])


def test_plan_lines_join_exactly_the_pairs_with_mass(ax):
    figures.plan_lines(ax, [[0, 0], [1, 0]], [[0, 1], [1, 1]], [[0.5, 0], [0, 0.25]])
    ends = [line.get_xydata().tolist() for line in ax.lines]
    assert ends == [[[0, 0], [0, 1]], [[1, 0], [1, 1]]]
    assert ax.lines[0].get_linewidth() > ax.lines[1].get_linewidth()
    with pytest.raises(ValueError, match="shape"):
        figures.plan_lines(ax, [[0, 0]], [[0, 1]], [[0.5, 0.5]])


# --- images and frames -----------------------------------------------------------------------------------------


def test_image_grid_puts_each_image_in_its_cell(ax):
    images = torch.linspace(-1, 1, 3).reshape(3, 1, 1, 1).expand(3, 1, 2, 2)
    figures.image_grid(ax, images, columns=2)
    shown = np.asarray(ax.images[0].get_array())
    assert shown.shape == (4, 4)
    np.testing.assert_allclose(shown[:2, 2:], 0)
    np.testing.assert_allclose(shown[2:, :2], 1)
    np.testing.assert_allclose(shown[2:, 2:], -1)


@pytest.mark.parametrize(("shape", "columns"), [((2, 2, 4, 4), 2), ((2, 1, 4, 4), 0)])
def test_image_grid_refuses(ax, shape, columns):
    with pytest.raises(ValueError, match="images"):
        figures.image_grid(ax, np.zeros(shape), columns=columns)


def test_image_grid_shows_colours(ax):
    images = torch.tensor([[1.0, -1.0, 0.0], [-1.0, 1.0, 1.0]]).reshape(2, 3, 1, 1)
    figures.image_grid(ax, images, columns=2)
    np.testing.assert_allclose(ax.images[0].get_array(), [[[1, 0, 0.5], [0, 1, 1]]])


@pytest.mark.parametrize("scale", [255.0, 1.01, np.nan])
def test_image_grid_refuses_levels_outside_its_range(ax, scale):
    """Bytes from 0 to 255 would be shown as white pictures."""
    with pytest.raises(ValueError, match="levels"):
        figures.image_grid(ax, scale * np.ones((2, 1, 4, 4)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int64, torch.bool])
def test_tensors_of_any_type_are_drawn(ax, dtype):
    values = torch.tensor([0, 1, 1]).to(dtype)
    figures.curve(ax, values, values)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0, 1, 1])
    np.testing.assert_array_equal(figures.evaluate(lambda x: values, np.zeros((3, 2))), [0, 1, 1])


def test_what_is_not_finite_is_no_mass_and_no_rectangle(ax):
    with pytest.raises(ValueError, match="weights"):
        figures.point_cloud(ax, [[0, 0], [1, 1]], weights=[1, np.nan])
    with pytest.raises(ValueError, match="finite"):
        figures.plan_heat_map(ax, [[0.5, np.nan]])
    with pytest.raises(ValueError, match="bounds"):
        figures.mesh((0, np.inf, 0, 1))


def test_to_png_gives_a_picture_and_closes_the_figure():
    figure = plt.figure()
    assert figures.to_png(figure).startswith(b"\x89PNG")
    assert not plt.fignum_exists(figure.number)


def test_frames_are_tied_without_a_kernel():
    png = figures.to_png(plt.figure(figsize=(1, 1)))
    box = figures.frames([png, png, png], ["one", "two", "three <"], description="frame", start=1)
    slider, stack = box.children
    assert (slider.min, slider.max, slider.value) == (0, 2, 1)
    assert stack.selected_index == 1
    for card, text in zip(stack.children, ["one", "two", "three &lt;"], strict=True):
        assert f'alt="{text}"' in card.value
        assert b64encode(png).decode() in card.value
    with pytest.raises(ValueError, match="pair"):
        figures.frames([png], [], description="frame")
