"""The smaller figures operated by keyboard and mouse; their read-outs against known numbers."""

import math
import re

import numpy as np
import pytest
import torch

from wgan_course import transport

pytestmark = pytest.mark.browser
ABOVE = """() => document.querySelector(".reach").getBoundingClientRect().x + 20
  - document.querySelector(".dashed").getBoundingClientRect().x"""
FIGURE = "document.querySelector('[data-explorable]').explorable"


def slider(page, name):
    return page.get_by_role("slider", name=name, exact=True)


def drag(page, handle, across, up):
    """Drag a handle by so many pixels to the right and up."""
    box = handle.locator(".handle").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across / 2, y - up / 2)
    page.mouse.move(x + across, y - up)
    page.mouse.up()


def press(page, name):
    page.get_by_role("button", name=name, exact=True).press("Enter")


def test_two_masses(open_figure, said):
    page = open_figure("two_masses")
    assert said(page)[:6] == pytest.approx([2.5, 2.5, 1, 1, 0, 0.69])
    handle = slider(page, "The generated mass: shift θ")
    handle.focus()
    assert page.evaluate(ABOVE) == pytest.approx(0, abs=1)
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
    slope = math.log(2) / 1
    assert said(page) == pytest.approx([0.5, 0.5, 1, 0.5, 1, 0.5 * slope, slope], abs=0.006)
    page.keyboard.press("End")
    drag(page, handle, -100, 0)
    theta = said(page)[0]
    assert 1 < theta < 3.6
    assert float(handle.get_attribute("aria-valuenow")) == theta
    assert float(slider(page, "Shift θ").input_value()) == theta
    press(page, "Descend Jensen–Shannon")
    assert "did not move" in page.locator(".explorable-said").text_content()
    press(page, "Descend W₁")
    assert said(page)[-2:] == pytest.approx([theta, max(0, theta - 2)], abs=0.01)


def test_two_points_have_no_overlap_but_at_zero(open_figure, said):
    page = open_figure("two_masses")
    slider(page, "Width of each mass").press("Home")
    slider(page, "Shift θ").fill("0.05")
    assert said(page)[:6] == pytest.approx([0.05, 0.05, 1, 1, 0, 0.69])
    slider(page, "Shift θ").fill("0")
    assert "KL 0" in page.locator(".explorable-said").text_content()
    assert np.count_nonzero(said(page)) == 0


def test_dual_potential(open_figure, said):
    page = open_figure("dual_potential")
    assert said(page) == pytest.approx([0, 1.5, 1.5])
    handle = slider(page, "Critic's value at generated at 0")
    for _ in range(10):
        handle.press("ArrowDown")  # its real neighbour at 1.5 is not pushed: the score rises by a third of it
    assert said(page) == pytest.approx([0.33, 1.5, 1.17], abs=0.006)
    drag(page, slider(page, "Critic's value at real at −3"), 0, 60)
    assert said(page)[0] > 0.5
    press(page, "An optimal critic")
    assert said(page) == pytest.approx([1.5, 1.5, 0])
    press(page, "Flat")
    page.get_by_role("checkbox").uncheck()
    slider(page, "Critic's value at real at 1.5").press("End")
    assert said(page) == pytest.approx([1, 1.5, 2, 0.5])  # 3 at a point that is 1.5 from the next: slope 2, worth 1 / 2
    page.get_by_role("checkbox").check()
    assert "steepest" not in page.locator(".explorable-said").text_content()


def test_power_iteration(open_figure, said):
    page = open_figure("power_iteration")
    slope = math.tan(math.radians(80))
    for k in range(4):
        angle = math.atan(0.64**k * slope)
        estimate = 2 * math.sqrt(1 - 0.36 * math.sin(angle) ** 2)
        assert said(page)[:2] == pytest.approx([k, estimate], abs=6e-5)
        assert said(page)[-1] == pytest.approx(math.degrees(angle), abs=0.006)
        press(page, "One step")
    press(page, "Ten steps")
    assert said(page)[0] == 14
    handle = slider(page, "Start vector: angle from the top vector, in degrees")
    handle.press("ArrowLeft")
    assert said(page)[[0, -1]] == pytest.approx([0, 79], abs=0.006)
    drag(page, handle, 40, 60)
    start = float(handle.get_attribute("aria-valuenow"))
    assert abs(start) < 79
    assert said(page)[-1] == pytest.approx(abs(start), abs=0.006)
    slider(page, "σ₂/σ₁").press("End")
    press(page, "Ten steps")
    assert "A tie" in page.locator(".explorable-said").text_content()


def test_a_weight_that_turns_is_followed(open_figure):
    page = open_figure("power_iteration")
    slider(page, "Start, from the top vector").fill("0")
    slider(page, "W turns before each step by").fill("3")
    for _ in range(5):
        press(page, "Ten steps")
    page.locator(".explorable-twin summary").click()
    last = page.locator(".explorable-twin tbody tr").last.locator("td").all_text_contents()
    kappa, rho = math.tan(math.radians(3)), 0.64
    assert float(last[0]) == 50
    assert float(last[2]) <= (2 * rho * kappa / (1 - rho)) ** 2
    assert float(last[3]) > 0.01


@pytest.mark.parametrize("turn", [0.5, 2, 20])
def test_the_bound_of_a_weight_that_turns_is_said_to_hold_from_where_it_does(open_figure, turn):
    page = open_figure("power_iteration", viewport={"width": 390, "height": 844})
    page.evaluate("document.querySelector('main').style.width = 'auto'")
    slider(page, "W turns before each step by").fill(str(turn))
    angle, kappa, rho = math.radians(80), math.tan(math.radians(turn)), 0.64
    steps = 0
    while math.tan(angle) > 2 * rho * kappa / (1 - rho):
        angle = math.atan(rho * math.tan(angle - math.radians(turn)))
        steps += 1
    slow = 2 * math.sqrt(rho) * kappa <= 1 - rho
    legend = page.locator(".explorable-plot text").get_by_text(
        f"proved from step {steps}" if slow else "nothing is proved"
    )
    text, plot = legend.bounding_box(), legend.locator("xpath=ancestor::*[name()='svg']").bounding_box()
    assert text["x"] + text["width"] <= plot["x"] + plot["width"]


def test_dirac(open_figure, said):
    page = open_figure("dirac")
    grown = math.sqrt(2) * 1.01**100  # 200 simultaneous steps of 0.1
    assert said(page)[[0, 3]] == pytest.approx([200, grown], abs=0.006)
    page.get_by_role("checkbox").check()
    assert said(page)[3] < 1.6
    page.get_by_label("Method").select_option("r1")
    assert said(page)[3] < 0.01
    assert "comes to rest" in page.locator(".explorable-said").text_content()
    page.get_by_label("Method").select_option("clip")
    slider(page, "Rounds shown").fill("100")
    assert said(page)[0] == 100
    handle = slider(page, "Start: θ (ψ has a slider below)")
    handle.press("End")
    assert float(slider(page, "Start θ").input_value()) == 2
    drag(page, handle, -80, 30)
    start = page.evaluate(f"{FIGURE}.state.start")
    assert 0.5 < start[0] < 1.8
    assert start[1] > 1
    assert float(slider(page, "Start ψ").input_value()) == pytest.approx(start[1])


def test_playing_follows_the_wish_for_less_motion(open_figure, said):
    page = open_figure("dirac", reduced_motion="reduce")
    press(page, "Play")
    assert said(page)[0] == 300
    page = open_figure("dirac", reduced_motion="no-preference")
    press(page, "Play")
    page.wait_for_function("document.querySelector('.explorable-said').textContent.startsWith('After 300 rounds')")


def cost_of_plan(a, b, piles=(0, 2, 5), holes=(1.4, 3.2, 6)):
    """The least cost, by the package's linear programme."""
    places = [torch.tensor(one, dtype=torch.float64)[:, None] for one in (piles, holes)]
    shares = [torch.tensor(one, dtype=torch.float64) / sum(one) for one in (a, b)]
    return float(transport.solve(transport.cost_matrix(*places), *shares).value)


def costs(page):
    text = page.locator(".explorable-said").text_content()
    return [float(found) for found in re.findall(r"costs (\d+\.\d+)", text)]


def test_piles(open_figure):
    page = open_figure("piles")
    least, greedy = costs(page)
    assert least == pytest.approx(cost_of_plan((0.9, 0.4, 0.7), (0.5, 0.8, 0.7)), abs=0.006)
    assert greedy > least + 0.1
    slider(page, "Pile 1, height").press("ArrowUp")
    slider(page, "Hole 3, depth").press("Home")
    assert costs(page)[0] == pytest.approx(cost_of_plan((1.0, 0.4, 0.7), (0.5, 0.8, 0.1)), abs=0.006)
    drag(page, slider(page, "Pile 2, height"), 0, 20)
    heights = page.evaluate(f"{FIGURE}.state.piles")
    assert heights[1] > 0.4
    assert costs(page)[0] == pytest.approx(cost_of_plan(heights, (0.5, 0.8, 0.1)), abs=0.006)


def test_a_plan_of_ones_own(open_figure):
    page = open_figure("piles")
    page.get_by_role("combobox", name="Your plan").select_option("independent")
    before = costs(page)
    slider(page, "pile 1 → hole 1").press("End")
    after = costs(page)
    assert page.get_by_role("combobox", name="Your plan").input_value() == "own"
    assert after[0] == before[0]
    assert after[0] <= after[1] != before[1]
    assert 0 < float(slider(page, "pile 1 → hole 1").input_value()) < 1, "no further than rows and columns allow"
