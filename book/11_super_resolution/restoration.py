"""The experiment behind chapter 11's figures: ×4 super-resolution of Fashion-MNIST with four kinds of loss.

Run it in the course's folder: ``python book/11_super_resolution/restoration.py``. It writes
``book/results/11_restoration.json``. The lab runs a shorter version of one seed.
"""

import base64
import copy
import logging

import torch
from torch.nn import functional

from tools.book import results
from wgan_course import constraints, measures, objectives
from wgan_course.data import images
from wgan_course.measures import classifier
from wgan_course.models import dcgan
from wgan_course.models.super_resolution import FACTOR, Generator, enlarge, psnr, sharpness
from wgan_course.training import CriticTrainer, frozen

SEEDS = range(5)
BATCH, FIRST, SECOND = 16, 300, 120
RATE, CRITIC_RATE = 1e-3, 4e-4
WEIGHT = 0.02
SWEEP = (0.005, 0.01, 0.05)
FEATURE_SCALE = 0.05
SHORT = 60
SCHEDULES = {"1 to 1": (1, 1), "5 to 1": (5, 1), "40, then 40": (40, 40)}
SHOWN = (0, 11, 22, 33, 44, 55)
LAYERS = 5
"""The feature loss compares what the classifier's second convolution gives, after its ReLU: 32 maps of 14 by 14."""


def rng_of(seed, stream):
    """A source of randomness of its own for each seed and purpose."""
    return torch.Generator().manual_seed(1000 * seed + stream)


def load():
    """Training and test images of the embedded subset, and the test images' labels."""
    train, test = (images.load("fashion-mnist", split, source="embedded") for split in ("train", "test"))
    return train.images, test.images, test.labels


def pixel_loss(fake, truth):
    """Mean squared error of the pixels."""
    return functional.mse_loss(fake, truth)


def feature_loss(fake, truth):
    """Mean squared error of an inner layer of the shipped classifier."""
    inner = classifier.load_pretrained().body[:LAYERS]
    return FEATURE_SCALE * functional.mse_loss(inner(fake), inner(truth))


def draw(truth, rng):
    """A batch of images and what the camera saw of them."""
    x = truth[torch.randint(len(truth), (BATCH,), generator=rng)]
    return x, images.downsample(x, FACTOR)


def train_content(generator, truth, loss, steps, rng):
    """Adam on a content loss alone."""
    optimiser = torch.optim.Adam(generator.parameters(), lr=RATE, betas=(0.9, 0.99))
    for _ in range(steps):
        x, low = draw(truth, rng)
        value = loss(generator(low), x)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        optimiser.step()
    return generator


class Game:
    """The two players: a restorer with content loss and adversarial term, and a critic with a gradient penalty."""

    def __init__(self, generator, truth, content, weight, rng):
        self.generator, self.truth, self.content, self.weight, self.rng = generator, truth, content, weight, rng
        critic, self.objective = dcgan.Critic(28, 1, 12, rng=rng), objectives.make("wasserstein")
        self.opt_g = torch.optim.Adam(generator.parameters(), lr=RATE / 4, betas=(0.5, 0.9))
        opt_f = torch.optim.Adam(critic.parameters(), lr=CRITIC_RATE, betas=(0.5, 0.9))
        self.rival = CriticTrainer(critic, constraints.make("gp"), self.objective, opt_f, rng, self.pair)

    @torch.no_grad()
    def pair(self, rng):
        """Truths and their restorations: the penalty lies between each truth and its own."""
        x, low = draw(self.truth, rng)
        return x, self.generator(low)

    def generator_step(self):
        """One step of the restorer."""
        x, low = draw(self.truth, self.rng)
        fake = self.generator(low)
        with frozen(self.rival.critic) as critic:
            loss = self.content(fake, x) + self.weight * self.objective.generator_loss(critic(fake))
            self.opt_g.zero_grad(set_to_none=True)
            loss.backward()
        self.opt_g.step()

    def play(self, steps, schedule):
        """Sequential training: so many critic steps, then so many generator steps, until the generator had `steps`."""
        critic_steps, generator_steps = schedule
        estimates = []
        for _ in range(steps // generator_steps):
            self.rival.fit(critic_steps, lambda _run, record: estimates.append(record["estimate"]), log_every=1)
            for _ in range(generator_steps):
                self.generator_step()
        return estimates


@torch.no_grad()
def restore(generator, test):
    """Restorations of the test images, clipped to the range of grey levels."""
    return generator(images.downsample(test, FACTOR)).clamp(-1, 1)


def judge(fake, test, labels):
    """By pixels, by neighbouring pixels, by features one by one and as a whole, by name, by what the camera saw."""
    true_features, fake_features = classifier.features(test), classifier.features(fake)
    named = classifier.load_pretrained().head(fake_features).argmax(1)
    return {
        "psnr": float(psnr(fake, test).mean()),
        "sharpness": float(sharpness(fake).mean() / sharpness(test).mean()),
        "features": float((fake_features - true_features).norm(dim=1).mean()),
        "frechet": measures.frechet_distance(true_features, fake_features),
        "named": float((named == labels).float().mean()),
        "seen": float((images.downsample(fake - test, FACTOR)).square().mean().sqrt()),
    }


def encode(x):
    """Images as text: grey levels as bytes, in base 64."""
    return base64.b64encode(images.from_unit(x).numpy().tobytes()).decode()


def beginning(seed):
    """The interpolation, and the first steps on the pixels alone, which the test repeats."""
    truth, test, labels = load()
    generator = train_content(Generator(rng=rng_of(seed, 0)), truth, pixel_loss, SHORT, rng_of(seed, 1))
    game = Game(generator, truth, pixel_loss, WEIGHT, rng_of(seed, 2))
    game.play(SHORT // 4, (1, 1))
    return {
        "interpolation": judge(enlarge(images.downsample(test, FACTOR)).clamp(-1, 1), test, labels),
        "short": judge(restore(generator, test), test, labels),
    }


def one_seed(seed, first=FIRST, second=SECOND):
    """Every loss, every weight, every schedule, for one seed."""
    truth, test, labels = load()
    start = train_content(Generator(rng=rng_of(seed, 0)), truth, pixel_loss, first, rng_of(seed, 1))
    found, pictures = beginning(seed), {}

    def keep(name, generator):
        fake = restore(generator, test)
        found[name], pictures[name] = judge(fake, test, labels), encode(fake[list(SHOWN)])

    def played(content, weight, schedule):
        game = Game(copy.deepcopy(start), truth, content, weight, rng_of(seed, 2))
        estimates = game.play(second, schedule)
        return game.generator, estimates

    for name, loss in {"pixels": pixel_loss, "features": feature_loss}.items():
        keep(name, train_content(copy.deepcopy(start), truth, loss, second, rng_of(seed, 3)))
    keep("features + critic", played(feature_loss, WEIGHT, SCHEDULES["1 to 1"])[0])
    for weight in SWEEP:
        keep(f"weight {weight:g}", played(pixel_loss, weight, SCHEDULES["1 to 1"])[0])
    schedules = {}
    for name, schedule in SCHEDULES.items():
        generator, estimates = played(pixel_loss, WEIGHT, schedule)
        keep("pixels + critic" if schedule == (1, 1) else f"schedule {name}", generator)
        schedules[name] = {"steps": len(estimates), "estimates": estimates[:: max(1, len(estimates) // 40)]}
    if seed == 0:
        found["pictures"] = pictures | {"truth": encode(test[list(SHOWN)])}
    return found | {"estimates": schedules}


def main():
    """Run every seed, and write the results with their provenance."""
    torch.set_num_threads(1)
    data = (
        f"the package's 4000 training and 1000 test images of Fashion-MNIST, 7 to 28 pixels; {FIRST} + {SECOND} steps"
    )
    results.run_seeds("11_restoration", one_seed, SEEDS, results.provenance(__file__, data))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
