"""The generator in the page: its mathematics against PyTorch's, and the figure operated by keyboard and by mouse."""

import json
import re

import pytest
import torch
from torch import nn

from tools.book import generator_data
from wgan_course.data import images
from wgan_course.models import pretrained

FIGURE = "document.querySelector('[data-explorable]').explorable"
QUIET = f"{FIGURE}.picture && !{FIGURE}.busy && {FIGURE}.waiting.size === 0"


def rng(number):
    return torch.Generator().manual_seed(number)


def positions_first(maps):
    return maps[0].permute(1, 2, 0).flatten().tolist()


def layer(side, channels, wanted):
    kernel = torch.randn(channels, wanted, 4, 4, generator=rng(side))
    bias, x = torch.randn(wanted, generator=rng(1)), torch.randn(1, channels, side, side, generator=rng(2)).relu()
    y = nn.functional.conv_transpose2d(x, kernel, bias, stride=2, padding=1)
    return {
        "side": side,
        "shape": [channels, wanted, 4, 4],
        "kernel": kernel.flatten().tolist(),
        "bias": bias.tolist(),
        "x": positions_first(x),
        "wanted": positions_first(y),
    }


def picture(network, z, label):
    """What the network makes of a weight for each class; a class alone is asked for by its number, as anywhere."""
    if label.max() == 1:
        return network(z[None], label.argmax()[None])[0].flatten()
    return network.network(torch.cat([z, network.embedding(label)])[None])[0].flatten()


@pytest.fixture(scope="module")
def truth():
    network, z = pretrained.load(generator_data.NAME), torch.randn(13, 64, generator=rng(0))
    labels = torch.cat([torch.eye(10), torch.tensor([[0.5, 0, 0, 0.5] + [0] * 6, [0] * 8 + [0.1, 0.9], [0.1] * 10])])
    with torch.no_grad():
        made = torch.stack([picture(network, *pair) for pair in zip(z, labels, strict=True)])
    known = generator_data.training_images().to(torch.float32) / 127.5 - 1
    distances, order = torch.cdist(made, known, compute_mode="donot_use_mm_for_euclid_dist").min(1)
    return {
        "data": generator_data.packed(),
        "layers": [layer(1, 2, 3), layer(3, 4, 1), layer(5, 3, 2)],
        "pictures": [
            {"z": a.tolist(), "label": b.tolist(), "image": c.tolist()} for a, b, c in zip(z, labels, made, strict=True)
        ],
        "neighbours": [
            {"image": a.tolist(), "index": int(b), "distance": float(c)}
            for a, b, c in zip(made, order, distances, strict=True)
        ],
    }


def test_pictures_and_neighbours_are_pytorchs(run_node, tmp_path, truth):
    file = tmp_path / "truth.json"
    file.write_text(json.dumps(truth))
    assert run_node("generator.test.mjs", TRUTH=str(file))["skipped"] == 0


def test_the_images_are_a_hundred_of_each_class():
    known = generator_data.training_images()
    data = images.load("fashion-mnist", source="embedded", download=False)
    for place in (0, 99, 100, 555, 999):
        same = (known[place] / 127.5 - 1 - data.images.flatten(1)).abs().amax(1) < 1e-6
        assert place // 100 in data.labels[same]
    assert known.shape == (1000, 784)


def settled(page):
    page.wait_for_function(QUIET, timeout=60_000)
    return page.locator(".explorable-said").text_content()


@pytest.mark.browser
def test_it_walks_by_keyboard_and_by_mouse(open_figure):
    page = open_figure("generator")
    assert "0.50 of the way from A (Dress) to B (Ankle boot)" in settled(page)
    page.get_by_role("slider", name="Part of the way from A to B").press("End")
    assert "1.00 of the way" in settled(page)
    at_b = page.evaluate(f"[...{FIGURE}.picture.now.picture]")
    page.get_by_role("button", name="Exchange A and B").press("Enter")
    page.get_by_role("slider", name="Part of the way from A to B").press("Home")
    assert "0.00 of the way from A (Ankle boot) to B (Dress)" in settled(page)
    assert page.evaluate(f"[...{FIGURE}.picture.now.picture]") == at_b

    point = page.get_by_role("slider", name=re.compile("Point A"))
    before = page.evaluate(f"[...{FIGURE}.state.a]")
    point.press("ArrowUp")
    point.press("ArrowLeft")
    assert page.evaluate(f"{FIGURE}.state.a") == pytest.approx([before[0] - 0.1, before[1] + 0.1], abs=0.051)
    box = point.locator(".handle").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y + 40, steps=4)
    page.mouse.up()
    moved = page.evaluate(f"{FIGURE}.state.a")
    assert moved[0] < before[0] - 0.5
    assert moved[1] < before[1]
    settled(page)
    assert page.evaluate(f"[...{FIGURE}.picture.now.picture]") != at_b


@pytest.mark.browser
def test_what_the_page_shows_is_what_pytorch_makes(open_figure):
    page = open_figure("generator")
    page.get_by_label("A: class").select_option("8")
    page.get_by_role("slider", name="Part of the way from A to B").press("Home")
    said = settled(page)
    drawn = page.evaluate("[...document.querySelector('.explorable-pictures canvas').getContext('2d')"
                          ".getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0)")  # fmt: skip
    kept = page.evaluate(f"[...{FIGURE}.picture.now.picture]")
    levels = ((torch.tensor(kept) + 1) * 127.5).round()
    assert torch.equal(levels, torch.tensor(drawn, dtype=torch.float32))
    known = generator_data.training_images().to(torch.float32) / 127.5 - 1
    distances = torch.cdist(torch.tensor(kept)[None], known, compute_mode="donot_use_mm_for_euclid_dist")[0]
    kind = images.CLASSES[int(distances.argmin()) // 100]
    assert f"of the class {kind}, at distance {float(distances.min()):.2f}" in said
    assert "Bag" in said
    assert float(page.locator("[data-per-picture]").get_attribute("data-per-picture")) > 0


@pytest.mark.browser
def test_without_its_weights_it_says_so_and_shows_the_still(chromium, trial):
    page = chromium.new_page(offline=True)
    page.route("**/generator/data.js", lambda route: route.abort())
    page.goto((trial / "generator.html").as_uri())
    page.evaluate(
        "document.querySelector('figure').insertAdjacentHTML('beforeend', '<p class=explorable-still>A still</p>')"
    )
    page.wait_for_function("document.querySelector('.explorable-said').textContent.includes('did not load')")
    assert page.locator(".explorable-still").is_visible()
    assert not page.get_by_role("button", name="Another map").is_visible()
    page.close()
