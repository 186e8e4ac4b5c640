"""A small classifier of Fashion-MNIST, shipped with its weights: the eyes of the image metrics.

Its 48 features take the place of Inception's in the Fréchet and kernel distances of `wgan_course.measures`. Distances
in these features are comparable with each other and with nothing else; they are never called FID or KID.

The weights were made by ``python -m wgan_course.measures.classifier train``; the JSON file beside them says with what.
"""

import argparse
import json
import logging
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from wgan_course.data import images as image_data

__all__ = ["FEATURES", "Classifier", "accuracy", "evaluate", "features", "load_pretrained", "main", "save", "train"]

log = logging.getLogger(__name__)

FEATURES = 48
LEVEL_SLACK = 1e-3
BATCH = 100  # what a layer makes of so many images stays in a processor's cache: half the time of a thousand
WEIGHTS_FILE = image_data.ASSETS / "fashion_mnist_classifier.safetensors"
MODULE = "wgan_course.measures.classifier"
CURE = f"install the package again, or run python -m {MODULE} train"


class Classifier(nn.Module):
    """Four convolutions, one hidden layer, ten logits (n, 10) of images (n, 1, 28, 28) in [-1, 1]: 73,050 parameters.

    Each of the first three convolutions (16, 32, 64 channels, 3 by 3) is followed by ReLU and a 2 by 2 maximum; the
    fourth (64 channels) by ReLU and an average down to 2 by 2, which makes 256 numbers; a linear layer with ReLU makes
    the 48 features, another the logits. No batch statistics.
    """

    def __init__(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        self.body = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1, **where), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1, **where), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 3, padding=1, **where), nn.ReLU()),
            *(nn.Conv2d(64, 64, 3, padding=1, **where), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()),
            *(nn.Linear(256, FEATURES, **where), nn.ReLU()),
        )
        self.head = nn.Linear(FEATURES, len(image_data.CLASSES), **where)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return self.head(self.body(x))


def _to_native(images: Tensor) -> Tensor:
    """Bring images to 28 pixels: 32 loses the border that `images.resize` gave it, other sizes are interpolated."""
    if not isinstance(images, torch.Tensor) or not images.is_floating_point():
        got = images.dtype if isinstance(images, torch.Tensor) else type(images).__name__
        raise TypeError(f"images must be a floating-point tensor (see images.to_unit), got {got}")
    if images.ndim != 4 or images.shape[1] != 1 or images.shape[-1] != images.shape[-2]:
        raise ValueError(f"images must have shape (n, 1, s, s), got {tuple(images.shape)}")
    if len(images) == 0:
        raise ValueError("images is an empty batch; give at least one image")
    if not torch.isfinite(images).all():
        raise ValueError("images holds NaN or infinite values; the generator may have diverged")
    _check_levels(images)
    return images[..., 2:-2, 2:-2] if images.shape[-1] == 32 else image_data.resize(images, image_data.NATIVE_SIZE)


def _check_levels(images: Tensor) -> None:
    """Refuse levels far outside [-1, 1], and warn of some that look like [0, 1]: features of either mean nothing."""
    low, high = images.min().item(), images.max().item()
    if max(-low, high) > 1 + LEVEL_SLACK:
        raise ValueError(
            f"images must have levels in [-1, 1], got {low:g} to {high:g}: clamp what a network made, and convert "
            "bytes with images.to_unit"
        )
    if low >= 0:
        log.warning("images have no level below 0 (%g to %g): levels in [0, 1] are brought to [-1, 1] first", low, high)


@lru_cache(maxsize=1)
def _pretrained() -> Classifier:
    return load_weights(WEIGHTS_FILE)


def load_pretrained() -> Classifier:
    """Return the shipped classifier, in evaluation mode, its parameters frozen, single precision, on the CPU.

    It is one object for the whole process: leave it as it is.
    """
    return _pretrained()


def load_weights(path: str | Path) -> Classifier:
    """Load a classifier from a safetensors file.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        Not a safetensors file, truncated, or another architecture.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} does not exist. Cure: {CURE}.")
    model = Classifier()
    try:
        model.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path} is corrupt or of another architecture: {error}. Cure: {CURE}.") from error
    return model.eval().requires_grad_(False)


def save(model: Classifier, path: str | Path) -> None:
    """Write a classifier's weights in half precision, as a safetensors file."""
    from safetensors.torch import save as as_bytes

    Path(path).write_bytes(as_bytes({name: value.half().contiguous() for name, value in model.state_dict().items()}))


def features(images: Tensor, model: Classifier | None = None, batch_size: int = BATCH) -> Tensor:
    """Compute the 48 features of images, shape (n, 48), without gradient, batch by batch.

    Parameters
    ----------
    images : Tensor, shape (n, 1, s, s)
        Grey levels in [-1, 1]; sides other than 28 are brought to 28.
    model : Classifier, optional
        The shipped one when absent.
    """
    model = load_pretrained() if model is None else model
    parameter = next(model.parameters())
    batches = _to_native(images).split(batch_size)
    with torch.no_grad():
        return torch.cat([model.body(batch.to(parameter)) for batch in batches])


def accuracy(model: Classifier, data: image_data.ImageData, batch_size: int = BATCH) -> float:
    """Measure the share of images that a classifier names rightly."""
    with torch.no_grad():
        logits = model.head(features(data.images, model, batch_size))
    return (logits.argmax(1).cpu() == data.labels).double().mean().item()


def _mirror(batch: Tensor, rng: torch.Generator) -> Tensor:
    """Mirror half of the images: a shoe may point either way."""
    mirrored = torch.rand(len(batch), 1, 1, 1, generator=rng) < 0.5
    return torch.where(mirrored, batch.flip(-1), batch)


def _epoch(
    model: Classifier,
    data: image_data.ImageData,
    optimiser: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler,
    *,
    batch_size: int,
    rng: torch.Generator,
) -> float:
    total = 0.0
    for keep in torch.randperm(len(data), generator=rng).split(batch_size):
        if len(keep) < batch_size:
            continue
        logits = model(_mirror(data.images[keep], rng))
        loss = functional.cross_entropy(logits, data.labels[keep], label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        scheduler.step()
        total += loss.item() * len(keep)
    return total / len(data)


def train(
    data: image_data.ImageData,
    *,
    epochs: int = 25,
    batch_size: int = 128,
    learning_rate: float = 4e-3,
    seed: int = 0,
    on_epoch: Callable[[int, float, Classifier], object] | None = None,
) -> Classifier:
    """Train a classifier: Adam with decoupled weight decay, one cycle of the learning rate, mirrored images.

    Parameters
    ----------
    data : ImageData
        Images of 28 pixels.
    learning_rate : float
        The top of the cycle.
    seed : int
        Of the initial weights and of the order.
    on_epoch : callable, optional
        Called as ``on_epoch(epoch, loss, model)`` after each epoch.

    Raises
    ------
    ValueError
        Fewer images than ``batch_size``.
    """
    if len(data) < batch_size:
        raise ValueError(f"batch_size must be at most the number of images, {len(data)}, got {batch_size}")
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Classifier()
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=1e-2)
    steps = epochs * (len(data) // batch_size)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps)
    for epoch in range(epochs):
        loss = _epoch(model, data, optimiser, scheduler, batch_size=batch_size, rng=rng)
        log.info("epoch %d of %d: loss %.4f", epoch + 1, epochs, loss)
        if on_epoch is not None:
            on_epoch(epoch, loss, model)
    return model.eval().requires_grad_(False)


def evaluate(model: Classifier, source: str | None = None) -> dict[str, str | int | float]:
    """Measure a classifier on the test images: ``source``, how many ``images``, and ``accuracy``.

    The source is as in `wgan_course.data.images.load`; nothing is downloaded.
    """
    data = image_data.load(split="test", source=source, download=False)
    return {"source": data.source, "images": len(data), "accuracy": round(accuracy(model, data), 4)}


def _train_command(arguments: argparse.Namespace) -> None:
    data = image_data.load(split="train", source=arguments.source)
    start = time.perf_counter()
    model = train(data, epochs=arguments.epochs, seed=arguments.seed)
    seconds = time.perf_counter() - start
    save(model, arguments.target)
    stored = load_weights(arguments.target)
    record = {
        "what": "weights of wgan_course.measures.classifier.Classifier, half precision",
        "command": f"python -m {MODULE} train --epochs {arguments.epochs} --seed {arguments.seed}",
        "trained_on": {"source": data.source, "images": len(data), "md5": image_data.CONTENT_MD5},
        "parameters": sum(value.numel() for value in stored.parameters()),
        "test": [evaluate(stored, arguments.source), evaluate(stored, "embedded")],
        "torch": torch.__version__,
        "device": "cpu",
        "threads": torch.get_num_threads(),
        "seconds": round(seconds),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    Path(arguments.target).with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    log.info("test: %s", record["test"])


def _evaluate_command(arguments: argparse.Namespace) -> None:
    log.info("test: %s", evaluate(load_weights(arguments.target), arguments.source))


def main(argv: list[str] | None = None) -> int:
    """Train or evaluate, from the command line."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("command", choices=("train", "evaluate"))
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--source", default=None, choices=image_data.SOURCES[1:], help="which copy of the images")
    parser.add_argument("--target", default=WEIGHTS_FILE, help="the weights: written by train, read by evaluate")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    {"train": _train_command, "evaluate": _evaluate_command}[arguments.command](arguments)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
