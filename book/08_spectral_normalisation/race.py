"""Ways to keep a critic Lipschitz: on 8 Gaussians each with every rate of one grid, on images at one rate each.

Run it in the course's folder: ``python book/08_spectral_normalisation/race.py``. It writes
``book/results/08_race_toy.json`` (8 Gaussians) and ``book/results/08_race_images.json`` (Fashion-MNIST), seed by seed.

All methods of a seed start from the same weights and see the same stream of real samples and latent vectors. On 8
Gaussians every contestant, a method with its strength, runs with every rate of the critic; seeds 100 and 101 choose the
rate and are reported no further. On images the methods train in turn, `every` generator steps at a time, so that
whatever else the machine does slows all of them alike; the clock counts training alone.
"""

import logging
import math
import statistics
import time

import torch
from scipy.optimize import linear_sum_assignment

from tools.book import results
from wgan_course import constraints, measures, norms, objectives
from wgan_course.constraints.layers import as_matrix, transposed_layer, weight_layers
from wgan_course.data import images, toy
from wgan_course.measures import classifier
from wgan_course.models import dcgan, mlp
from wgan_course.training import SampledBatches, TensorBatches, Trainer, TrainingConfig, TrainingDivergedError

SEEDS, CHOOSING = range(5), (100, 101)
RATES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
FAR = 1e4  # from here no run has come back
TOY = {
    "none": ("none", {}),
    **{f"clip, c = {c:g}": ("clip", {"clip": c}) for c in (0.03, 0.1, 0.3)},
    **{f"two-sided, λ = {weight:g}": ("gp", {"weight": weight}) for weight in (0.1, 1.0, 10.0)},
    **{f"one-sided, λ = {weight:g}": ("lp", {"weight": weight}) for weight in (0.1, 1.0, 10.0)},
    "SN": ("sn", {}),
    "SN after the step": ("sn_projected", {}),
}
# Rates for images were chosen on seed 100, which is not reported, each method by itself: for the critic among 3e-4,
# 1e-3 and 3e-3 (clipping: also 1e-4, and c among 0.01, 0.03, 0.1), for the generator among 2e-4, 5e-4 and 2e-3.
IMAGES = {
    "clip": {"options": {"clip": 0.03}, "lr_critic": 1e-3},
    "gp": {"options": {"weight": 10.0}, "lr_critic": 1e-3},
    "sn": {"options": {}, "lr_critic": 1e-3},
    "sn_projected": {"options": {}, "lr_critic": 1e-3},
    "weight_norm": {"options": {}, "lr_critic": 1e-3},
}


def exact_w1(x, y):
    """W1 of two samples of one size: some optimal plan is a permutation (chapter 2)."""
    cost = torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist").numpy()
    return float(cost[linear_sum_assignment(cost)].mean())


class ToyTrack:
    """8 Gaussians, multilayer perceptrons of three hidden layers; the distance is exact W1 between 512 samples."""

    steps, every, n_critic, lr_generator = 200, 25, 5, 1e-3

    def __init__(self, seed):
        self.truth = toy.eight_gaussians(512, torch.Generator().manual_seed(1000 + seed))
        self.floor = exact_w1(self.truth, toy.eight_gaussians(512, torch.Generator().manual_seed(2000 + seed)))
        self.methods = {
            name_of(method, rate): {"constraint": kind, "options": options, "lr_critic": rate}
            for method, (kind, options) in TOY.items()
            for rate in RATES
        }

    def networks(self, rng):
        """Generator and critic."""
        return mlp.Generator(2, 2, (64, 64, 64), rng=rng), mlp.Critic(2, (64, 64, 64), rng=rng)

    def batches(self, rng):
        """Fresh real samples."""
        return SampledBatches(toy.eight_gaussians, 64, rng)

    def distance(self, fakes):
        """W1 between samples of the same size."""
        return exact_w1(self.truth, fakes)


def name_of(method, rate):
    """A contestant with a rate."""
    return f"{method}, rate {rate:g}"


class ImageTrack:
    """Fashion-MNIST, small DCGANs; the distance is Fréchet's, in the features of the course's classifier."""

    steps, every, n_critic, lr_generator = 120, 20, 2, 2e-3
    methods = IMAGES

    def __init__(self, seed):
        self.data = images.load("fashion-mnist", "train", source="embedded").images
        test = images.load("fashion-mnist", "test", source="embedded").images
        self.truth = classifier.features(test)
        self.floor = measures.frechet_distance(self.truth, classifier.features(self.data[:1000]))

    def networks(self, rng):
        """Generator and critic."""
        return dcgan.Generator(width=8, rng=rng), dcgan.Critic(width=8, rng=rng)

    def batches(self, rng):
        """Real images in random order."""
        return TensorBatches(self.data, 32, rng)

    def distance(self, fakes):
        """Fréchet distance of the features of as many images."""
        return measures.frechet_distance(self.truth, classifier.features(fakes))


def trainer(track, method, seed):
    """A trainer for one method; everything else depends on the seed alone."""
    start = track.methods[method]
    generator, critic = track.networks(torch.Generator().manual_seed(seed))
    config = TrainingConfig(
        n_critic=track.n_critic, lr_critic=start["lr_critic"], lr_generator=track.lr_generator, seed=seed, device="cpu"
    )
    batches = track.batches(torch.Generator().manual_seed(seed + 1))
    constraint = constraints.make(start.get("constraint", method), **start["options"])
    objective = objectives.make(start.get("objective", "wasserstein"))
    return Trainer(generator, critic, batches, constraint, objective=objective, config=config)


def fakes(run, track):
    """As many samples as there are real ones to compare with."""
    return run.sample(len(track.truth), seed=7)


def chunk(run, until):
    """Train up to a step; return the seconds of processor time and of the clock on the wall."""
    wall, cpu = time.perf_counter(), time.process_time()
    run.fit(until)
    return time.process_time() - cpu, time.perf_counter() - wall


def spectra(critic):
    """Singular values of the weights that the critic computes with, kernels reshaped; without the last layer."""
    weights = [as_matrix(layer.weight.detach(), transposed_layer(layer)) for _, layer in weight_layers(critic)]
    return [[round(s, 5) for s in torch.linalg.svdvals(W.double()).tolist()] for W in weights[:-1]]


def after_training(run, track):
    """Interval of the critic, its estimate, and the spectra."""
    critic = run.critic.eval()
    with torch.no_grad():
        real = run.batches.next()[0]
        estimate = critic(real).mean() - critic(run.sample(256, seed=8)).mean()
    lower, upper = norms.lipschitz_interval(critic, real[:64], torch.Generator().manual_seed(0), steps=20)
    return {"lower": lower, "upper": upper, "estimate": float(estimate), "spectra": spectra(critic)}


def race(track, seed, steps=None, names=None):
    """Train the methods in turn; return what was measured on the way, by method."""
    runs = {name: trainer(track, name, seed) for name in names or track.methods}
    log = {
        name: {"distance": [track.distance(fakes(run, track))], "cpu": [0.0], "wall": [0.0]}
        for name, run in runs.items()
    }
    for until in range(track.every, (steps or track.steps) + 1, track.every):
        for name, run in runs.items():
            cpu, wall = chunk(run, until)
            log[name]["cpu"].append(round(log[name]["cpu"][-1] + cpu, 4))
            log[name]["wall"].append(round(log[name]["wall"][-1] + wall, 4))
            log[name]["distance"].append(track.distance(fakes(run, track)))
    return runs, log


def one_part(part, seed, steps=None):
    """One contestant with one rate on 8 Gaussians: distances on the way, up to where it diverges if it does."""
    track = ToyTrack(seed)
    run, distances = trainer(track, part, seed), []
    for until in range(0, (steps or track.steps) + 1, track.every):
        if not (until == 0 or trained(run, until)):
            return {"distance": distances, "floor": track.floor, "left": until}
        distances.append(round(track.distance(fakes(run, track)), 5))
    return {"distance": distances, "floor": track.floor} | after_training(run, track)


def trained(run, until):
    """Train up to a step; whether what is generated then is still of this world."""
    try:
        run.fit(until)
    except TrainingDivergedError:
        return False
    return bool(run.sample(512, seed=7).abs().max() < FAR)


def end(part):
    """Mean of the last three distances: single measurements scatter."""
    return math.inf if "left" in part else statistics.mean(part["distance"][-3:])


def ends(content, method, seeds, rate):
    """Where a contestant ends with a rate, one number a seed."""
    return [end(content["seeds"][str(seed)][name_of(method, rate)]) for seed in seeds]


def chosen(content, method):
    """The rate that is best in the mean over the seeds that choose."""
    return min(RATES, key=lambda rate: statistics.mean(ends(content, method, CHOOSING, rate)))


def one_seed_of_images(seed):
    """Everything about one seed on images."""
    track = ImageTrack(seed)
    runs, log = race(track, seed)
    return {
        "floor": track.floor,
        "every": track.every,
        "methods": {name: {**log[name], **after_training(run, track)} for name, run in runs.items()},
    }


PARTS = [name_of(method, rate) for rate in RATES for method in TOY]
EXPERIMENT = results.Experiment(
    "08_race_toy", __file__, "8 Gaussians, drawn afresh", (*CHOOSING, *SEEDS), PARTS, one_part
)


def main():
    """Run everything, and write the results with their provenance."""
    EXPERIMENT.run()
    data = "the package's 4000 training and 1000 test images of Fashion-MNIST"
    results.run_seeds("08_race_images", one_seed_of_images, SEEDS, results.provenance(__file__, data))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
