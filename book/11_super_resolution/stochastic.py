"""Restorations with and without noise, for chapter 11: what can reach the frontier of perception and distortion.

python book/11_super_resolution/stochastic.py --data FOLDER_OF_IDX_FILES --seconds 80 --out runs/11_stochastic.json

All networks have one architecture, which is consistent with what was seen, and begin with the same network trained on
pixels. On a GPU each run's round is a CUDA graph on a stream of its own, and all runs
advance side by side, so that they have taken equally many rounds when the time is over. Distortion is measured on one
half of the test images, the distance of laws between their restorations and the other half's originals.
"""

import argparse
import base64
import copy
import gc
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from tools.book import results
from wgan_course import constraints, measures, objectives
from wgan_course.data import images
from wgan_course.measures import classifier
from wgan_course.models import dcgan
from wgan_course.models import super_resolution as sr
from wgan_course.training import CriticTrainer, devices, frozen
from wgan_course.training.graph import make_capturable
from wgan_course.training.networks import Ema

logger = logging.getLogger(__name__)
SEEDS = range(5)
WEIGHTS = (0.003, 0.01, 0.03, 0.1)
KINDS = {"without noise": WEIGHTS, "with noise": WEIGHTS, "content of the mean": (0.03,)}
SIZES = {"width": 32, "blocks": 4, "critic": 64, "batch": 64, "noise": 8}
FIRST, MOST, MARKS = 1500, 6000, 4
PIXEL_RATE, DARK = 1e-3, 0.02
CRITIC_STEPS, RATE, CRITIC_RATE, BETAS, DECAY = 2, 4e-4, 4e-4, (0.0, 0.9), 0.99
SAMPLES, SHARES, LIMIT = 8, (0.25, 0.5, 0.75), 1000
SHOWN, SHOWN_SAMPLES = (0, 11, 22, 33), 6
RESERVE = 12.0  # seconds for the looks on the way and for judging at the end
clock = time.monotonic


class Restorer(nn.Module):
    """Shares out the light of each pixel that was seen among sixteen: consistent, and never darker than black.

    The logits of the shares are those of the plain interpolation and what the package's network adds; it has channels
    of noise beside what was seen.
    """

    def __init__(self, sizes, rng):
        super().__init__()
        self.noise = sizes["noise"]
        self.network = sr.Generator(1 + self.noise, sizes["width"], sizes["blocks"], rng=rng)

    def forward(self, low, rng=None):
        """Restore; the noise is 0 where nothing draws it."""
        shape = (len(low), self.noise, *low.shape[2:])
        z = low.new_zeros(shape) if rng is None else torch.randn(shape, generator=rng, device=low.device)
        plain = (sr.enlarge(low) / 2 + 0.5).clamp_min(DARK).log()
        logits = plain + self.network.detail(torch.cat((low, z * self.noise**-0.5), 1))[:, :1]
        shares = functional.pixel_unshuffle(logits, sr.FACTOR).softmax(1)
        light = sr.FACTOR**2 * (low / 2 + 0.5) * shares
        return 2 * functional.pixel_shuffle(light, sr.FACTOR) - 1


def seen(x):
    """What the camera makes of images."""
    return images.downsample(x, sr.FACTOR)


def mean_content(truth, first, second):
    """Squared error of the conditional mean of a restoration, without bias, from two restorations of each image."""
    return ((truth - first) * (truth - second)).mean()


class Pixels:
    """A network without noise on its pixels alone."""

    def __init__(self, truth, sizes, rng, seed):
        device = truth.device
        self.truth, self.batch, self.rng = truth, sizes["batch"], rng
        self.generator = Restorer(sizes, torch.Generator().manual_seed(seed)).to(device)
        rate = torch.tensor(PIXEL_RATE, device=device)  # a tensor, so that a graph sees it change
        self.optimiser = torch.optim.Adam(self.generator.parameters(), lr=rate, betas=(0.9, 0.99))
        make_capturable_on(device, self.optimiser)

    def slow_down(self):
        """A fifth of the rate from now on."""
        self.optimiser.param_groups[0]["lr"].mul_(0.2)

    def round(self):
        """One step."""
        x = draw(self.truth, self.batch, self.rng)
        loss = functional.mse_loss(self.generator(seen(x)), x)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()


class Game:
    """A restorer against a critic of single images under a gradient penalty."""

    def __init__(self, start, truth, kind, weight, sizes, rng):
        self.truth, self.kind, self.weight, self.batch, self.rng = truth, kind, weight, sizes["batch"], rng
        self.generator = copy.deepcopy(start)
        self.noise = None if kind == "without noise" else rng
        self.objective, constraint = objectives.make("wasserstein"), constraints.make("gp")
        cpu = torch.Generator().manual_seed(rng.initial_seed())
        self.critic = constraint.prepare(dcgan.Critic(28, 1, sizes["critic"], rng=cpu).to(truth.device))
        self.opt_g = torch.optim.Adam(self.generator.parameters(), lr=RATE, betas=BETAS)
        opt_f = torch.optim.Adam(self.critic.parameters(), lr=CRITIC_RATE, betas=BETAS)
        make_capturable_on(truth.device, self.opt_g, opt_f)
        self.rival = CriticTrainer(self.critic, constraint, self.objective, opt_f, rng, self.pair)
        self.ema, self.held, self.curve = Ema(self.generator, DECAY), frozen(self.critic), []

    @torch.no_grad()
    def pair(self, rng):
        """Images and their restorations."""
        x = draw(self.truth, self.batch, rng)
        return x, self.generator(seen(x), self.noise)

    def content(self, x, fake):
        """Of each restoration, or of the conditional mean of all."""
        if self.kind != "content of the mean":
            return functional.mse_loss(fake, x), fake
        other = self.generator(seen(x), self.noise)
        return mean_content(x, fake, other), torch.cat((fake, other))

    def round(self):
        """Some steps of the critic and one of the restorer."""
        for _ in range(CRITIC_STEPS):
            self.rival.critic_step()
        x = draw(self.truth, self.batch, self.rng)
        content, fake = self.content(x, self.generator(seen(x), self.noise))
        with self.held as critic:
            loss = content + self.weight * self.objective.generator_loss(critic(fake))
            self.opt_g.zero_grad(set_to_none=True)
            loss.backward()
        self.opt_g.step()
        self.ema.update(self.generator)


def draw(truth, batch, rng):
    """A batch of images."""
    return truth[torch.randint(len(truth), (batch,), generator=rng, device=rng.device)]


def make_capturable_on(device, *optimisers):
    """Let optimisers be part of a CUDA graph, where there is one."""
    if device.type == "cuda":
        make_capturable(optimisers, device, scheduled=False)


def side_by_side(players, device, warm=3):
    """What takes a round of all players: on a GPU each is a graph with a stream, and a workspace, of its own."""
    if device.type != "cuda":
        return lambda: [player.round() for player in players]
    replays = []
    for player in players:
        stream, recorded = torch.cuda.Stream(device), torch.cuda.CUDAGraph()
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(warm):
                player.round()
        recorded.register_generator_state(player.rng)
        with torch.cuda.graph(recorded, stream=stream):
            player.round()
        replays.append((stream, recorded.replay))

    def again():
        for stream, replay in replays:
            with torch.cuda.stream(stream):
                replay()

    return again


def wait(device):
    """Wait for the GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Judge:
    """Distortion on one half of the test images, the distance of laws to the other half."""

    def __init__(self, test, labels, device):
        half = len(test) // 2
        self.model = copy.deepcopy(classifier.load_pretrained()).to(device)
        self.truth, self.labels = test[:half].to(device), labels[:half].to(device)
        self.low, self.real = seen(self.truth), self.features(test[half : 2 * half].to(device))
        self.sharp = float(sr.sharpness(self.truth).mean())

    def features(self, x):
        """Of the shipped classifier."""
        return classifier.features(x, self.model)

    def brief(self, fake):
        """Mean squared error of a pixel, and Fréchet distance."""
        fake = fake.clamp(-1, 1)
        error = float((fake - self.truth).square().mean())
        return {"error": error, "frechet": measures.frechet_distance(self.real, self.features(fake))}

    def full(self, fake):
        """These, and more."""
        fake = fake.clamp(-1, 1)
        made = self.features(fake)
        precision, recall = measures.precision_recall(self.real[:LIMIT], made[:LIMIT])
        return self.brief(fake) | {
            "sharpness": float(sr.sharpness(fake).mean()) / self.sharp,
            "kernel": measures.kernel_distance(self.real[:LIMIT], made[:LIMIT]),
            "precision": precision,
            "recall": recall,
            "named": float((self.model.head(made).argmax(1) == self.labels).float().mean()),
            "seen": float((seen(fake) - self.low).square().mean().sqrt()),
        }

    @torch.no_grad()
    def restored(self, generator, rng=None):
        """One restoration of each image."""
        return torch.cat([generator(low, rng) for low in self.low.split(1000)]).clamp(-1, 1)

    def spread(self, generator, rng):
        """Without bias: squared error of a sampler's conditional mean, and its conditional variance, both a pixel."""
        runs = torch.stack([self.restored(generator, rng) for _ in range(SAMPLES)])
        variance = float(runs.var(0).mean())
        of_average = float((runs.mean(0) - self.truth).square().mean())
        return {
            "error of the mean": of_average - variance / SAMPLES,
            "spread": variance,
            "error of the average": of_average,
        }


def judged(game, mean, judge, rng):
    """Everything about one run; that it diverged, if it did."""
    if not all(bool(p.isfinite().all()) for p in game.ema.module.parameters()):
        return {"diverged": True}
    noise = None if game.noise is None else rng
    generator = game.ema.module
    fake, middle = judge.restored(generator, noise), judge.restored(mean)
    found = judge.full(fake) | {"weight": game.weight, "kind": game.kind, "curve": game.curve}
    if noise is not None:
        found |= judge.spread(generator, noise)
    found["towards the mean"] = {str(t): judge.brief((1 - t) * fake + t * middle) for t in SHARES}
    return found


def look(games, judge, step, device):
    """Note where every run is on its way."""
    for game in games:
        rng = None if game.noise is None else devices.make_generator(device, step, 900)
        fake = judge.restored(game.ema.module, rng)
        here = judge.brief(fake) if bool(fake.isfinite().all()) else {"error": None, "frechet": None}
        game.curve.append({"round": step} | here)


def encode(x):
    """Images as text: grey levels as bytes, in base 64."""
    return base64.b64encode(images.from_unit(x.cpu().clamp(-1, 1)).numpy().tobytes()).decode()


@torch.no_grad()
def pictures(mean, games, judge, device):
    """Some images, chosen beforehand: what was seen, the mean, and restorations, several where there is noise."""
    low = judge.low[list(SHOWN)]
    found = {"truth": encode(judge.truth[list(SHOWN)]), "mean": encode(mean(low))}
    for name, game in games.items():
        rng = None if game.noise is None else devices.make_generator(device, 0, 901)
        repeats = 1 if rng is None else SHOWN_SAMPLES
        found[name] = encode(torch.cat([game.ema.module(low, rng) for _ in range(repeats)]))
    return found


def baselines(truth, judge):
    """Real images, the interpolation, and the training image that looks most alike when shrunk."""
    codes = seen(truth).flatten(1)
    nearest = torch.cat([torch.cdist(low.flatten(1), codes).argmin(1) for low in judge.low.split(500)])
    return {
        "originals": judge.full(judge.truth),
        "interpolation": judge.full(sr.consistent(sr.enlarge(judge.low), judge.low)),
        "lookalike": judge.full(truth[nearest]),
        "lookalike, consistent": judge.full(sr.consistent(truth[nearest], judge.low)),
    }


def first_part(truth, sizes, steps, seeds, device):
    """A network on pixels for each seed."""
    players = [Pixels(truth, sizes, devices.make_generator(device, seed, 1), seed) for seed in seeds]
    again = side_by_side(players, device)
    for step in range(steps):
        if step == steps // 2:
            wait(device)
            for player in players:
                player.slow_down()
        again()
    wait(device)
    return [player.generator.eval() for player in players]


def all_games(starts, truth, sizes, seeds, device):
    """Every kind and weight, for every seed."""
    found = {}
    for seed, start in zip(seeds, starts, strict=True):
        for number, (kind, weight) in enumerate((kind, w) for kind, weights in KINDS.items() for w in weights):
            rng = devices.make_generator(device, seed, 10 + number)
            found[seed, f"{kind}, {weight:g}"] = Game(start, truth, kind, weight, sizes, rng)
    return found


def second_part(games, judge, device, until, most):
    """As many rounds as the time allows, the same for all; the time of a round of one run, in milliseconds."""
    again, probe = side_by_side(games, device), min(20, most // MARKS)
    wait(device)
    begun = clock()
    for _ in range(probe):
        again()
    wait(device)
    taken = (clock() - begun) / probe
    rounds = max(probe, min(most, int((until - clock()) / taken)) // MARKS * MARKS)
    logger.info("%d runs, %.2f ms for a round of one of them, %d rounds", len(games), 1e3 * taken / len(games), rounds)
    for step in range(probe + 1, rounds + 1):
        again()
        if step % 20 == 0:
            wait(device)  # the host must not run ahead of the clock
        if step % max(1, rounds // MARKS) == 0:
            wait(device)
            look(games, judge, step, device)
    wait(device)
    return rounds, 1e3 * taken / len(games)


def judged_seed(seed, start, games, judge, device):
    """Everything about one seed: the network on pixels, and each run, four at a time."""

    def work(game):
        return judged(game, start, judge, devices.make_generator(device, seed, 902))

    with ThreadPoolExecutor(4) as pool:
        each = dict(zip(games, pool.map(work, games.values()), strict=True))
    found = {"mean": judge.full(judge.restored(start))} | each
    return found | {"pictures": pictures(start, games, judge, device)} if seed == 0 else found


def run(options, device, sizes):
    """The whole experiment."""
    begun = clock()
    train, test = (load(split, options.data) for split in ("train", "test"))
    truth = train.images.to(device)
    judge = Judge(test.images[: options.test], test.labels[: options.test], device)
    seeds = list(SEEDS)[: options.seeds]
    starts = first_part(truth, sizes, options.first, seeds, device)
    logger.info("pixels after %.0f s", clock() - begun)
    games = all_games(starts, truth, sizes, seeds, device)
    gc.freeze()  # a recording collects garbage first, among ever more objects
    until = begun + options.seconds - RESERVE
    rounds, milliseconds = second_part(list(games.values()), judge, device, until, options.most)
    logger.info("trained after %.0f s", clock() - begun)
    content = {"rounds": rounds, "milliseconds": milliseconds, "seeds": {}, "baselines": baselines(truth, judge)}
    for seed, start in zip(seeds, starts, strict=True):
        own = {name: game for (s, name), game in games.items() if s == seed}
        content["seeds"][str(seed)] = judged_seed(seed, start, own, judge, device)
    sets = f"{len(train)} training images of Fashion-MNIST, {len(judge.truth)} and as many test images"
    data = f"{sets}; {options.first} steps on pixels, {rounds} rounds of {CRITIC_STEPS} critic steps and one"
    content["provenance"] = results.provenance(__file__, data, devices.describe(device))
    results.write_results(options.out, content)
    logger.info("done after %.0f s", clock() - begun)


def load(split, folder):
    """All of Fashion-MNIST from a folder, or the embedded subset."""
    if folder is None:
        return images.load("fashion-mnist", split, source="embedded")
    return images.load("fashion-mnist", split, path=folder)


def main(given=None):
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with the idx files; the embedded subset when absent")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=float, default=80.0)
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    parser.add_argument("--first", type=int, default=FIRST)
    parser.add_argument("--most", type=int, default=MOST, help="rounds at most")
    parser.add_argument("--test", type=int, default=10_000, help="test images at most")
    parser.add_argument("--out", type=Path, default=results.RESULTS / "11_stochastic.json")
    parser.add_argument("--smoke", action="store_true", help="tiny networks and few rounds, to see whether it runs")
    options, sizes = parser.parse_args(given), dict(SIZES)
    if options.smoke:
        sizes = {"width": 8, "blocks": 1, "critic": 8, "batch": 8, "noise": 2}
        options.first, options.most, options.seeds, options.test = 20, 8, 2, 200
    torch.set_num_threads(1)
    run(options, devices.choose(options.device), sizes)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
