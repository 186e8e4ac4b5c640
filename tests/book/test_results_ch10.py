"""One seed of each experiment of chapter 10 is run again, in part, and compared with what the chapter shows."""

import json
import os

import numpy as np
import pytest
import torch

from tests.fixtures.torchrun import as_torchrun_does
from tools.book import results
from wgan_course import figures
from wgan_course.data import images
from wgan_course.models import pretrained

FOLDER = results.RESULTS.parent / "10_images"
NAMES = ["dcgan", "recipe"]
pytestmark = pytest.mark.usefixtures("one_thread")
experiments, capstone, large = (
    results.load_script(f"10_images/{name}") for name in ("experiments", "capstone", "large")
)


def chapter():
    return (FOLDER / "chapter.md").read_text(encoding="utf-8")


def test_captions_of_the_first_pictures_say_what_the_runs_have_stored():
    clothes, plain = (
        results.read_results("10_gpu")["seeds"]["0"][name] for name in ("fashion_mnist_conditional", "fashion_mnist")
    )
    emoji = results.read_results("10_colour")["seeds"]
    for last in (clothes[-1], emoji["0"][-1]):
        assert f"{last['round']:,} rounds in {last['seconds']:.0f} seconds on a GPU that three runs shared" in chapter()
    (command,) = (
        line for line in chapter().splitlines() if line.startswith("wgan-course train") and "--conditi" in line
    )
    assert f"--steps {clothes[-1]['round']} " in command
    told = [rows[place]["frechet"] for rows in (plain, clothes) for place in (0, -1)]
    assert "falls from {:.0f} to {:.1f}, with labels from {:.0f} to {:.2f}".format(*told) in chapter()
    after_2000 = [row["frechet"] for row in clothes if row["round"] >= 2000]
    assert max(after_2000) < min(row["frechet"] for row in plain if row["round"] <= 2200)
    assert len(emoji) == 3
    (plain_rounds, plain_heights), (rounds, heights) = (
        np.log([[row[key] for row in rows] for key in ("round", "frechet")]) for rows in (plain, clothes)
    )
    places = np.log(np.arange(1000, 2000, 10))
    below = np.interp(places, rounds, heights) < np.interp(places, plain_rounds, plain_heights)
    assert round(float(np.exp(places[below.argmax()])), -2) == 1400  # where the drawn lines cross
    assert "the second is below from about round 1,400 on" in chapter()


def test_what_stands_under_the_samples():
    """The nearest training image of the bag is a sneaker; the others are garments under garments, shoes under shoes."""
    generator, known = pretrained.load("fashion-mnist-conditional"), images.load("fashion-mnist", download=False)
    latent = torch.randn(20, 64, generator=torch.Generator().manual_seed(3))[:10]
    with torch.no_grad():
        made = generator(latent, torch.arange(10)).flatten(1)
    found = known.labels[torch.cdist(made, known.images.flatten(1)).argmin(1)].tolist()
    shoes = {known.classes.index(name) for name in ("Sandal", "Sneaker", "Ankle boot")}
    bag, sneaker = known.classes.index("Bag"), known.classes.index("Sneaker")
    assert found[bag] == sneaker
    assert all((label in shoes) == (found[label] in shoes) for label in range(10) if label != bag)
    assert "under the bag stands a sneaker" in chapter()


def test_a_step_of_the_colour_run_leaves_what_the_page_needs(tmp_path):
    colour = results.load_script("10_images/colour")
    colour.main(["--seconds", "0.01", "--look-every", "1", "--width", "4", "--device", "cpu", "--out", str(tmp_path)])
    left = json.loads((tmp_path / "colour_0.json").read_text())
    assert {"round", "seconds", "frechet", "estimate"} <= set(left["curve"][0])
    assert left["curve"][0]["frechet"] > left["between halves"] > 0
    assert (tmp_path / "colour_0.safetensors").is_file()
    assert (tmp_path / "colour_0.png").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_five_seeds_with_provenance(name):
    content = results.read_results(f"10_{name}")
    assert sorted(content["seeds"], key=int) == list("01234")
    assert content["provenance"]["command"] == f"python book/10_images/experiments.py {name}"
    values = [run["curve"][-1]["frechet"] for seed in content["seeds"].values() for run in seed.values()]
    assert np.isfinite(values).all()


@pytest.mark.parametrize(
    ("name", "key", "family", "constraint", "options"),
    [
        ("dcgan", "clip", "dcgan", "clip", experiments.METHODS["clip"]),
        ("dcgan", "r1", "dcgan", "r1", {}),
        ("dcgan", "sn", "dcgan", "sn", {}),
    ],
)
def test_the_first_quarter_of_seed_0_comes_out_again(name, key, family, constraint, options):
    """Same code, same seed: equal on the same machine, and within a band on another, where rounding differs.

    The gradient penalty is run again with a line of the recipe, and for the first seconds of a minute.
    """
    stored = results.read_results(f"10_{name}")["seeds"]["0"][key]["curve"][0]
    again = experiments.run(family, constraint, 0, stops=(1,), **options)["curve"][0]
    assert again["step"] == stored["step"]
    assert again["frechet"] == pytest.approx(stored["frechet"], rel=0.15)
    assert again["sliced"] == pytest.approx(stored["sliced"], rel=0.15)


def test_a_changed_line_of_the_recipe_comes_out_again():
    stored = results.read_results("10_recipe")["seeds"]["0"]["n_critic = 1"]["curve"][-1]
    again = experiments.run("dcgan", "gp", 0, stops=(4,), **experiments.RECIPE["n_critic = 1"])["curve"][-1]
    assert again["frechet"] == pytest.approx(stored["frechet"], rel=0.35)


@pytest.fixture
def minute(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return results.load_script("10_images/minute")


def test_the_first_seconds_of_a_minute_come_out_again(minute):
    stored = results.read_results("10_minute_dcgan")["seeds"]["1"]["gp"]["curve"][0]
    again = minute.run("dcgan", "gp", 1, stops=(4,))["curve"][0]
    assert again["step"] == stored["step"]
    assert again["frechet"] == pytest.approx(stored["frechet"], rel=0.15)
    assert again["sliced"] == pytest.approx(stored["sliced"], rel=0.15)


def intervals(name, key):
    """Lower and upper end for each method, after the last second."""
    content = results.read_results(f"10_{name}")

    def of(method):
        values = results.over_seeds(content, lambda seed: [seed[method]["curve"][-1][key]])
        return [float(end[0]) for end in figures.interval_over_seeds(values)[1:]]

    return {method: of(method) for method in experiments.METHODS}


def test_what_four_seconds_say_and_a_minute_does_not():
    """Spectral normalisation behind the penalties, and no longer."""
    early, late = (intervals(name, "frechet") for name in ("dcgan", "minute_dcgan"))
    assert early["sn"][0] > max(early[name][1] for name in experiments.PENALTIES)
    assert late["sn"][0] < min(late[name][1] for name in experiments.PENALTIES)


def test_a_minute_has_five_seeds_and_says_how_it_was_made():
    content = results.read_results("10_minute_dcgan")
    assert sorted(content["seeds"], key=int) == list("01234")
    assert content["provenance"]["command"] == "python book/10_images/minute.py dcgan"
    assert all(run["curve"][-1]["seconds"] == 60 for seed in content["seeds"].values() for run in seed.values())


def test_pictures_are_one_digit_a_pixel():
    for name, key in (
        ("minute_dcgan", "gp"),
        ("dcgan", "gp"),
    ):
        stored = results.read_results(f"10_{name}")["seeds"]["0"][key]["images"]
        assert {len(image) for image in stored} == {28 * 28}
        assert set("".join(stored)) <= set("0123456789abcdef")


@pytest.fixture
def flow(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return results.load_script("10_images/flow")


def test_generators_without_a_critic_come_from_this_script_with_all_seeds(flow):
    content = results.read_results("10_flow")
    assert content["provenance"]["source"] == results.provenance(flow.__file__, "")["source"]
    assert sorted(content["seeds"]) == ["0", "1", "2"]
    for method in flow.COST:
        steps = {seed[method]["curve"][-1]["step"] for seed in content["seeds"].values()}
        assert steps == {flow.steps_within(method, flow.SECONDS)}


@pytest.mark.parametrize("method", ["flow", "sliced", "Sinkhorn"])
def test_a_generator_without_a_critic_learns_the_same_again(flow, method):
    """A few steps, twice: equal, and the samples have come nearer to the images in the sliced distance."""
    runs = [flow.Run(method, 0) for _ in range(2)]
    losses = [run.to(25) for run in runs]
    assert losses[0] == losses[1]
    made, before = runs[0].network, flow.Run(method, 0)
    assert all(torch.equal(a, b) for a, b in zip(made.parameters(), runs[1].network.parameters(), strict=True))
    rng = torch.Generator().manual_seed(1)
    lines = flow.transport.random_directions(50, 784, rng).float()
    real = experiments.load("test").images[:200].flatten(1)
    runs[0].average.module.load_state_dict(made.state_dict())
    far, near = (
        float(flow.transport.sliced_wasserstein(real, run.sample(200, steps=3).flatten(1), lines))
        for run in (before, runs[0])
    )
    assert near < 0.8 * far


def test_what_the_chapter_says_of_generators_without_a_critic():
    """Sliced within the range of GP after the same time, flow behind it; Sinkhorn precise, with hardly any recall."""

    def ends(name, key, method):
        at = lambda seed: next(stop[key] for stop in seed[method]["curve"] if stop["seconds"] == 15)
        return results.over_seeds(results.read_results(f"10_{name}"), at)

    gp = ends("minute_dcgan", "frechet", "gp")
    sliced, flowing = (ends("flow", "frechet", name) for name in ("sliced", "flow"))
    assert gp.min() < sliced.min() <= sliced.max() < gp.max() < flowing.min()
    assert ends("flow", "precision", "Sinkhorn").min() > ends("minute_dcgan", "precision", "gp").max()
    assert ends("flow", "recall", "Sinkhorn").max() < 0.01
    halved = results.over_seeds(results.read_results("10_flow"), lambda seed: seed["flow"]["euler"]["frechet"])
    assert np.abs(halved - flowing).max() < 1.1


class TestCapstone:
    """Scores of right and wrong ways on hidden draws; each demand has room on both sides."""

    CONTENT = results.read_results("10_capstone")
    DRAWS = tuple(CONTENT["seeds"].values())

    def runs(self, way, part):
        return [draw[key] for draw in self.DRAWS if draw.get(key := f"{way}: {part}")]

    def reached(self, part, pick):
        return np.array([pick(run["reached"]) for way in capstone.RIGHT for run in self.runs(way, part)])

    @pytest.mark.parametrize("part", capstone.PARTS)
    def test_right_ways_have_full_marks_on_every_draw(self, part):
        for way in capstone.RIGHT:
            assert len(self.runs(way, part)) == capstone.TRIED[way]
            assert [run["missed"] for run in self.runs(way, part)] == [[]] * len(self.runs(way, part)), way

    @pytest.mark.parametrize("way", capstone.WRONG)
    def test_wrong_ways_earn_nothing(self, way):
        for part in capstone.WRONG[way]:
            assert len(self.runs(way, part)) >= 5
            assert {run["points"] for run in self.runs(way, part)} == {0}

    def test_right_points_have_room(self):
        limits = capstone.PARTS["points"]
        assert self.reached("points", lambda found: float(found["far"])).max() < 0.92 * limits.NEAR
        assert self.reached("points", lambda found: float(found["sharp"].rstrip("%"))).min() > 115 * limits.SHARE
        modes = self.reached("points", lambda found: np.divide(*map(int, found["modes"].split(" of "))))
        assert modes.min() > 1.1 * limits.REACHED

    def test_right_images_have_room(self):
        limits = capstone.PARTS["images"]
        assert self.reached("images", lambda found: float(found["near"])).max() < 0.92 * limits.NEAR
        assert self.reached("images", lambda found: int(found["variety"])).min() > limits.CLASSES + 1
        edges = self.reached("images", lambda found: float(found["far"].split(" and ")[1]))
        assert limits.EDGES[0] * 1.5 < edges.min()
        assert edges.max() < limits.EDGES[1] / 1.5

    @pytest.mark.parametrize("part", capstone.PARTS)
    def test_walks_have_room_on_both_sides(self, part):
        limit = capstone.PARTS[part].LEAP
        trained = [run["leap"] for way in capstone.RIGHT for run in self.runs(way, part)]
        pieces = [run["leap"] for run in self.runs("a Gaussian for each cluster", part)]
        assert max(trained) < limit / 2 < limit * 1.5 < min(pieces)

    @pytest.mark.parametrize("way", ["one Gaussian", "a few steps"])
    def test_two_ways_come_out_again(self, way):
        """The first draw of the points: what was reached is the same, up to rounding."""
        again = capstone.one_part(f"{way}: points", 0)
        stored = self.runs(way, "points")[0]
        assert again["points"] == stored["points"]
        assert again["leap"] == pytest.approx(stored["leap"], rel=0.2)


def of_two(folder):
    """What each of the two processes does."""
    real = torch.rand(64, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    large.load = lambda name, folder: real
    options = ["--data", "fashion-mnist", "--steps", "2", "--batch", "4", "--width", "2", "--n-critic", "2"]
    made = large.main([*options, "--out", str(folder)])
    weights = torch.cat([p.detach().flatten() for m in (made.generator, made.critic) for p in m.parameters()])
    rows = [made.batches.rows.start, made.batches.rows.stop]
    torch.save({"weights": weights, "rows": rows}, folder / f"{os.environ['RANK']}.pt")


def test_two_processes_keep_the_same_weights_and_see_different_data(tmp_path):
    """Two processes, gloo, a gradient penalty; the averaged steps keep them together."""
    as_torchrun_does(of_two, tmp_path)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in "01")
    assert torch.equal(first["weights"], second["weights"])
    assert (first["rows"], second["rows"]) == ([0, 4], [4, 8])
    assert (tmp_path / "samples.png").is_file()


def test_missing_cifar10_names_the_cure(monkeypatch, tmp_path):
    def fails(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("torchvision.datasets.CIFAR10", fails)
    with pytest.raises(SystemExit, match="--data fashion-mnist"):
        large.cifar10(tmp_path)
