"""Chapter 11's stored results: the stated part of one seed runs again and agrees; the text says what they say."""

import pytest

from tools.book import results

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


def test_the_stored_pictures_are_those_of_the_first_seed_alone(seeds):
    assert [key for key in seeds if "pictures" in seeds[key]] == ["0"]
