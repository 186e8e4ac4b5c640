"""The control of chapter 11's first experiment: no critic (w = 0) at the rate and momentum of the runs with one.

Run it in the course's folder: ``python book/11_super_resolution/rate.py`` (a minute on one core). It writes
``book/results/11_rate.json``. Everything but the weight is as in ``restoration.py`` for the runs with pixels and
critic, turns of one and one: the same seeds, start, batches and number of steps.
"""

import logging

import torch

from tools.book import results

restoration = results.load_script("11_super_resolution/restoration")
NAME = "weight 0"


def one_seed(seed, first=restoration.FIRST, second=restoration.SECOND):
    """The network on pixels of a seed after the steps that others take against a critic."""
    truth, test, labels = restoration.load()
    start = restoration.Generator(rng=restoration.rng_of(seed, 0))
    restoration.train_content(start, truth, restoration.pixel_loss, first, restoration.rng_of(seed, 1))
    game = restoration.Game(start, truth, restoration.pixel_loss, 0.0, restoration.rng_of(seed, 2))
    game.play(second, restoration.SCHEDULES["1 to 1"])
    return {NAME: restoration.judge(restoration.restore(game.generator, test), test, labels)}


def main():
    """Run every seed, and write the results with their provenance."""
    torch.set_num_threads(1)
    steps = f"{restoration.FIRST} + {restoration.SECOND} steps"
    data = f"the package's 4000 training and 1000 test images of Fashion-MNIST, 7 to 28 pixels; {steps}, no critic"
    results.run_seeds("11_rate", one_seed, restoration.SEEDS, results.provenance(__file__, data))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
