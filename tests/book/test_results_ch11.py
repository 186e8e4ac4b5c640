"""Chapter 11's stored results: the stated part of one seed runs again and agrees; the text says what they say."""

import copy
import itertools
from types import SimpleNamespace

import pytest
import torch

from tools.book import results
from wgan_course.data import images
from wgan_course.models import super_resolution as sr

pytestmark = pytest.mark.usefixtures("one_thread")
BANDS = {"psnr": 0.15, "sharpness": 0.02, "features": 0.15, "frechet": 0.8, "named": 0.03, "seen": 0.005}


@pytest.fixture(scope="module")
def experiment():
    return results.load_script("11_super_resolution/restoration")


@pytest.fixture(scope="module")
def seeds():
    return results.read_results("11_restoration")["seeds"]


def test_the_stored_results_come_from_this_script(experiment):
    stored = results.read_results("11_restoration")
    assert stored["provenance"]["source"] == results.provenance(experiment.__file__, "")["source"]
    assert sorted(stored["seeds"]) == ["0", "1", "2", "3", "4"]


def test_the_beginning_again(experiment, seeds):
    """Interpolation, then 60 steps on pixels and 15 turns with a critic."""
    again = experiment.beginning(0)
    for name, numbers in again.items():
        for key, band in BANDS.items():
            assert numbers[key] == pytest.approx(seeds["0"][name][key], abs=band), (name, key)


def test_the_chapter_says_what_the_numbers_say(seeds):
    walk = ("pixels", "weight 0.005", "weight 0.01", "pixels + critic", "weight 0.05")
    for seed in seeds.values():
        sharp, quality = ([seed[name][key] for name in walk] for key in ("sharpness", "psnr"))
        assert sharp[1:] == sorted(sharp[1:])
        assert quality[1:] == sorted(quality[1:], reverse=True)
        assert quality[0] > quality[-1]
        assert max(quality) - quality[0] < 0.1
        assert seed["features"]["sharpness"] > 1.15 * seed["pixels"]["sharpness"]
        assert 0 < seed["pixels"]["psnr"] - seed["features"]["psnr"] < 1
        assert all(seed[name]["frechet"] > seed["features"]["frechet"] for name in walk[1:])
        worst = seed["schedule 40, then 40"]
        assert worst["psnr"] < min(seed["pixels + critic"]["psnr"], seed["schedule 5 to 1"]["psnr"])
        assert seed["schedule 5 to 1"]["sharpness"] > seed["pixels + critic"]["sharpness"]


def test_the_chapter_says_what_the_means_say(seeds):
    def mean(name, key):
        return sum(seed[name][key] for seed in seeds.values()) / len(seeds)

    walk = ("pixels", "weight 0.005", "weight 0.01", "pixels + critic", "weight 0.05")
    sharp = [mean(name, "sharpness") for name in walk]
    assert sharp == sorted(sharp)
    assert sharp[0] == pytest.approx(0.32, abs=0.01)
    assert mean("features", "sharpness") == pytest.approx(1.3 * sharp[0], rel=0.05)
    for key in ("features", "frechet"):
        assert mean("features", key) < mean("pixels", key) < min(mean(name, key) for name in walk[1:])
        rivals = [mean(name, key) for name in ("pixels + critic", "schedule 5 to 1")]
        assert mean("schedule 40, then 40", key) > max(rivals)
    assert sum(run["sharpness"] > 1 for seed in seeds.values() for run in seed.values() if "sharpness" in run) == 2


def test_runs_with_a_critic_have_the_rate_that_the_chapter_says(experiment, course_root):
    rng = experiment.rng_of(0, 0)
    game = experiment.Game(experiment.Generator(rng=rng), torch.zeros(1, 1, 28, 28), None, 0.0, rng)
    assert game.opt_g.param_groups[0]["lr"] == experiment.RATE / 4
    text = (course_root / "book/11_super_resolution/chapter.md").read_text(encoding="utf-8")
    assert (
        "The runs with a critic have a quarter of the rate of the pixel and feature losses, and another momentum."
        in text
    )


def test_the_control_at_the_rate_of_the_critics_runs_comes_from_its_script():
    rate = results.load_script("11_super_resolution/rate")
    kept = results.read_results("11_rate")
    assert kept["provenance"]["source"] == results.provenance(rate.__file__, "")["source"]
    assert sorted(kept["seeds"]) == ["0", "1", "2", "3", "4"]


def test_the_control_is_the_same_start_without_a_critic():
    """Without the steps of the game it is the network on pixels; with them it moves."""
    rate = results.load_script("11_super_resolution/rate")
    begun, moved = (rate.one_seed(0, first=2, second=steps)[rate.NAME] for steps in (0, 1))
    assert begun["psnr"] != moved["psnr"]
    assert begun["psnr"] == pytest.approx(moved["psnr"], abs=0.5)


def test_what_the_chapter_says_of_the_critic_against_its_control(seeds):
    """Sharper at each weight; nearer with the two smallest in every seed, with 0.02 in four, with 0.05 in none."""
    control = {seed: run["weight 0"] for seed, run in results.read_results("11_rate")["seeds"].items()}

    def nearer(name):
        return sum(run[name]["frechet"] < control[seed]["frechet"] for seed, run in seeds.items())

    assert [nearer(name) for name in ("weight 0.005", "weight 0.01", "pixels + critic", "weight 0.05")] == [5, 5, 4, 0]
    assert nearer("pixels") == 5, "the greater rate alone"
    for seed, run in seeds.items():
        assert run["weight 0.005"]["sharpness"] > control[seed]["sharpness"]
        assert run["weight 0.005"]["psnr"] >= control[seed]["psnr"]
        for name in ("weight 0.005", "weight 0.01"):
            assert run[name]["features"] < control[seed]["features"] < run["weight 0.05"]["features"]


def test_one_run_with_turns_of_40_stays_near_the_line(seeds):
    """All others, and those of the feature loss with critic, are below every run of the walk in PSNR."""
    walk = ("pixels", "weight 0.005", "weight 0.01", "pixels + critic", "weight 0.05")
    least = min(seed[name]["psnr"] for seed in seeds.values() for name in walk)
    assert all(seed["features + critic"]["psnr"] < least - 1 for seed in seeds.values())
    assert sum(seed["schedule 40, then 40"]["psnr"] < least - 0.5 for seed in seeds.values()) == 4
    sharp = [run for seed in seeds.values() for run in seed.values() if run.get("sharpness", 0) > 1]
    assert min(run["features"] for run in sharp) > 5.5


def test_the_stored_pictures_are_those_of_the_first_seed_alone(seeds):
    assert [key for key in seeds if "pictures" in seeds[key]] == ["0"]


@pytest.fixture(scope="module")
def stochastic():
    return results.load_script("11_super_resolution/stochastic")


@pytest.fixture(scope="module")
def noisy():
    return results.read_results("11_stochastic")


WEIGHTS = ("0.003", "0.01", "0.03", "0.1")
MIDDLE = "content of the mean, 0.03"


def test_the_runs_with_noise_come_from_this_script(stochastic, noisy):
    assert noisy["provenance"]["source"] == results.provenance(stochastic.__file__, "")["source"]
    assert sorted(noisy["seeds"]) == ["0", "1", "2", "3", "4"]
    runs = {f"{kind}, {weight:g}" for kind, weights in stochastic.KINDS.items() for weight in weights}
    assert all(runs <= set(seed) for seed in noisy["seeds"].values())


def test_the_least_error_in_the_table_and_what_is_below_it(noisy):
    """Averages with the mean have less, so the text must not speak of all that was found."""
    runs = {
        name: [seed[name]["error"] for seed in noisy["seeds"].values()]
        for name in noisy["seeds"]["0"]
        if name != "pictures"
    }
    assert min(runs, key=lambda name: sum(runs[name])) == "without noise, 0.003"
    assert all(
        seed["without noise, 0.003"]["towards the mean"]["0.25"]["error"] < seed["without noise, 0.003"]["error"]
        for seed in noisy["seeds"].values()
    )
    assert noisy["baselines"]["lookalike"]["error"] > 2 * sum(runs["without noise, 0.003"]) / 5


def test_the_interpolation_again_on_other_images(noisy):
    """On the 1000 embedded test images, to within 3 per cent of the 5000 of the experiment."""
    truth = images.load("fashion-mnist", "test", source="embedded").images
    low = images.downsample(truth, sr.FACTOR)
    error = float((sr.consistent(sr.enlarge(low), low).clamp(-1, 1) - truth).square().mean())
    assert error == pytest.approx(noisy["baselines"]["interpolation"]["error"], rel=0.03)


@pytest.mark.parametrize("noise", [True, False])
@torch.no_grad()
def test_a_restorer_is_consistent_and_never_darker_than_black(stochastic, noise):
    rng = torch.Generator().manual_seed(0)
    restorer = stochastic.Restorer({"noise": 2, "width": 4, "blocks": 1}, rng).double()
    low = torch.rand(3, 1, 7, 7, generator=rng, dtype=torch.float64) * 2 - 1
    low[0, 0, 0] = -1
    for weights in restorer.parameters():
        weights.add_(torch.randn(weights.shape, generator=rng, dtype=torch.float64))
    found = restorer(low, rng if noise else None)
    assert float(found.min()) >= -1 - 1e-9
    assert torch.allclose(stochastic.seen(found), low, atol=1e-9)
    assert torch.equal(found, restorer(low)) is not noise


def test_the_content_of_the_mean_has_no_bias(stochastic):
    """Over all pairs of independent answers its mean is the squared error of their mean."""
    truth, answers = torch.tensor([0.3, -1.2]), torch.tensor([[1.0, 2.0], [-0.5, 0.25], [4.0, -1.0]])
    pairs = itertools.product(answers, repeat=2)
    found = torch.stack([stochastic.mean_content(truth, *pair) for pair in pairs]).mean()
    assert float(found) == pytest.approx(float((truth - answers.mean(0)).square().mean()), rel=1e-5)


def test_what_the_chapter_says_of_noise(noisy):
    copy, consistent = (noisy["baselines"][name] for name in ("lookalike", "lookalike, consistent"))
    for seed in noisy["seeds"].values():
        runs = {name: run for name, run in seed.items() if "kind" in run}
        nearest = min(at["frechet"] for run in runs.values() for at in (run, *run["towards the mean"].values()))
        assert copy["frechet"] < consistent["frechet"] < nearest
        assert min(runs, key=lambda name: runs[name]["error"]) == "without noise, 0.003"
        least = runs["without noise, 0.003"]["error"]
        assert consistent["error"] < 2 * least < copy["error"]
        assert least < seed["mean"]["error"]
        for kind in ("without noise", "with noise"):
            assert seed[f"{kind}, 0.01"]["frechet"] < seed["mean"]["frechet"]
        for weight in WEIGHTS:
            plain, other = seed[f"without noise, {weight}"], seed[f"with noise, {weight}"]
            assert all(plain[key] < other[key] for key in ("error", "frechet", "kernel"))
        pixels, middle = seed["with noise, 0.03"], seed[MIDDLE]
        assert 3.5 < middle["spread"] / pixels["spread"] < 4.5
        assert middle["error of the mean"] < pixels["error of the mean"]
        assert middle["spread"] < 0.6 * middle["error of the mean"]
        assert pixels["frechet"] < middle["frechet"]
        for run in runs.values():
            assert run["curve"][-1]["frechet"] < run["curve"][-2]["frechet"]
            if run["weight"] >= 0.03:
                quarter = run["towards the mean"]["0.25"]
                assert all(quarter[key] < run[key] for key in ("error", "frechet"))


@pytest.mark.parametrize("kind", ["without noise", "with noise"])
def test_more_weight_brings_the_law_nearer(noisy, kind):
    """By the kernel distance, in the mean of the seeds."""
    runs = results.over_seeds(noisy, lambda seed: [seed[f"{kind}, {weight}"]["kernel"] for weight in WEIGHTS])
    means = runs.mean(0).tolist()
    assert means == sorted(means, reverse=True)
    assert means[0] < results.over_seeds(noisy, lambda seed: seed["mean"]["kernel"]).min()


def test_the_control_without_a_critic_comes_from_its_script_and_gains_less():
    control = results.load_script("11_super_resolution/control")
    kept = results.read_results("11_control")
    assert kept["provenance"]["source"] == results.provenance(control.__file__, "")["source"]
    noisy = results.read_results("11_stochastic")["seeds"]
    for seed, run in kept["seeds"].items():
        before, after = run["mean"]["frechet"], run["without noise, 0"]["frechet"]
        with_critic = noisy[seed]["without noise, 0.003"]["frechet"]
        assert before - after < after - with_critic, "the smaller part of the way"
        assert run["without noise, 0"]["error"] < run["mean"]["error"]


def test_the_control_trains_the_restorer_alone(stochastic):
    control = results.load_script("11_super_resolution/control")
    sizes = {"width": 4, "blocks": 1, "critic": 4, "batch": 4, "noise": 2}
    truth = torch.rand(20, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
    judge = SimpleNamespace(restored=lambda network: network, full=lambda network: copy.deepcopy(network.state_dict()))
    found = control.compared(0, truth, judge, first=2, rounds=2, sizes=sizes)
    before, after = found["mean"], found["without noise, 0"]
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
