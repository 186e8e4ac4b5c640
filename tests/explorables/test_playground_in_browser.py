"""The playground operated by keyboard and mouse; its read-outs against the package's numbers."""

import numpy as np
import pytest
import torch

from wgan_course import transport

pytestmark = pytest.mark.browser
ROUND = "() => Number(document.querySelector('[data-round]').dataset.round)"
FIGURE = "document.querySelector('[data-explorable]').explorable"
PICTURE = f"() => {{ const {{real, fake, distance}} = {FIGURE}.picture; return [[...real], [...fake], distance]; }}"
AT = "(round) => document.querySelector('[data-round]')?.dataset.round === String(round)"
PAST = "(round) => Number(document.querySelector('[data-round]').dataset.round) > round"


def press(page, name):
    page.get_by_role("button", name=name, exact=True).press("Enter")


def test_exact_distance_is_the_packages(open_figure, said):
    page = open_figure("playground", "?playground=1&rounds=10")
    real, fake, distance = page.evaluate(PICTURE)
    clouds = [torch.tensor(one, dtype=torch.float64).reshape(-1, 2) for one in (fake, real)]
    known = float(transport.solve(transport.cost_matrix(*clouds)).value)
    assert distance == pytest.approx(known, abs=1e-9)
    assert said(page)[:2] == pytest.approx([10, known], abs=0.0051)


def test_rounds_by_keyboard(open_figure):
    page = open_figure("playground")
    assert page.evaluate(ROUND) == 0
    press(page, "One round")
    page.wait_for_function(AT, arg=1)
    press(page, "Run")
    page.wait_for_function(PAST, arg=10)
    press(page, "Pause")
    page.wait_for_function("document.querySelector('.explorable-button.first').textContent === 'Run'")
    page.wait_for_timeout(500)
    stopped = page.evaluate(ROUND)
    page.wait_for_timeout(700)
    assert page.evaluate(ROUND) == stopped
    press(page, "Reset")
    page.wait_for_function(AT, arg=0)


def test_a_slow_speed_is_slow(open_figure):
    page = open_figure("playground")
    page.get_by_label("Speed").select_option("1000")
    press(page, "Run")
    page.wait_for_function(PAST, arg=1)
    assert page.evaluate(ROUND) <= 4


def test_a_link_restores_setting_and_state(open_figure):
    page = open_figure("playground")
    page.get_by_label("Data", exact=True).select_option("swiss-roll")
    page.get_by_label("Constraint").select_option("clip")
    page.get_by_label("Bound c").press("ArrowRight")
    for number in range(1, 4):
        press(page, "One round")
        page.wait_for_function(AT, arg=number)
    page.locator(".explorable-more summary").click()
    link = page.get_by_label("Link to this setting").input_value()
    again = open_figure("playground", "?" + link.split("?")[1])
    again.wait_for_function(AT, arg=3)
    first, second = (np.array(one.evaluate(PICTURE)[1]) for one in (page, again))
    assert np.array_equal(first, second)
    assert again.get_by_label("Constraint").input_value() == "clip"
    assert again.get_by_label("Data", exact=True).input_value() == "swiss-roll"


def test_points_drawn_by_mouse_and_by_keyboard(open_figure):
    page = open_figure("playground")
    page.get_by_label("Data", exact=True).select_option("drawn")
    plane = page.locator("canvas.plane")
    box = plane.bounding_box()
    plane.click(position={"x": box["width"] * 0.75, "y": box["height"] * 0.25})
    plane.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_function(f"{FIGURE}.settings.drawn.length === 2")
    drawn = page.evaluate(f"{FIGURE}.settings.drawn")
    assert np.allclose(drawn, [[1.5, 1.5], [-1, 0]], atol=0.05)
    page.keyboard.press("Backspace")
    page.wait_for_function(f"{FIGURE}.settings.drawn.length === 1")


def test_every_way_to_break_it_sets_what_it_says(open_figure):
    page = open_figure("playground")
    found = {}
    for key in ("epsilon", "weightless", "loose", "coupled"):
        page.get_by_label("Break it").select_option(key)
        settings = page.evaluate(f"{FIGURE}.settings")
        found[key] = [settings[name] for name in ("constraint", "epsilon", "weight", "bound", "batchNorm")]
        assert page.get_by_label("Break it").input_value() == key
    assert found["epsilon"][:2] == ["gp", "one"]
    assert found["weightless"][0] == "gp"
    assert found["weightless"][2] == 0
    assert found["loose"][0] == "clip"
    assert found["loose"][3] == 1
    assert found["coupled"][0] == "gp"
    assert found["coupled"][4] is True
    page.get_by_label("Break it").select_option("right")
    assert page.get_by_label("Constraint").input_value() == "gp"


def test_without_a_constraint_the_estimate_leaves_the_scale(open_figure):
    page = open_figure("playground", "?playground=1&constraint=none&rounds=400")
    estimate, distance = page.evaluate(f"[{FIGURE}.picture.estimate, {FIGURE}.picture.distance]")
    assert estimate > 3 * distance
    assert page.locator("text=above the scale").is_visible()
