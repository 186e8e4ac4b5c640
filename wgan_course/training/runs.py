"""A whole training run from a handful of options: what ``wgan-course train`` calls.

A run's folder holds ``options.json``, ``log.jsonl`` (one record an interval; the same bytes for the same options on the
same machine), ``timing.jsonl``, ``checkpoint.pt``, and ``samples.png`` with its older states in ``samples/``.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from wgan_course.training import devices, distributed, runlog
from wgan_course.training.batches import Batches, SampledBatches, TensorBatches
from wgan_course.training.critic import Record
from wgan_course.training.loop import Trainer
from wgan_course.training.options import MODELS, RunOptions

__all__ = ["MODELS", "RunOptions", "RunResult", "build", "train_from_options"]

MOST_COLUMNS = 20
DEFAULT_WIDTH = {"mlp": 128, "dcgan": 16, "resnet": 16}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """What a run leaves.

    Attributes
    ----------
    folder, log, checkpoint, samples : Path
        The run's folder and the files in it.
    record : dict
        The last record of the log.
    device : str
        In words.
    data : str
        Where the data came from, in words.
    trainer : Trainer
        For those who go on in Python.
    """

    folder: Path
    log: Path
    checkpoint: Path
    samples: Path
    record: Record
    device: str
    data: str
    trainer: Trainer


@dataclass(frozen=True)
class _Data:
    """Real samples in the three forms that a run needs."""

    shape: tuple[int, ...]
    origin: str
    batches: Callable[[int, torch.Generator], Batches]
    show: Callable[[Tensor], Tensor]
    classes: int | None = None
    shown: int = 64


def _image_data(options: RunOptions) -> _Data:
    from wgan_course.data import images

    found = images.load(options.data, size=options.size, path=options.data_path, source=options.data_source)
    origin = f"{len(found)} images, {found.source} {found.origin}"
    if options.conditional and len(found.classes) == 1:
        raise ValueError(f"conditional: {origin} has one class only, {found.classes[0]!r}, and so no labels")
    device = devices.choose(options.device)
    pixels = _fitting(found.images, options).to(device)
    labels = found.labels.to(device) if options.conditional else None
    return _Data(
        tuple(pixels.shape[1:]),
        origin + (f", {len(found.skipped)} left out" if found.skipped else ""),
        lambda batch, rng: TensorBatches(pixels, batch, rng, labels),
        lambda samples: samples,
        len(found.classes) if options.conditional else None,
        8 * min(len(found.classes), MOST_COLUMNS) if options.conditional else 64,
    )


def _fitting(pixels: Tensor, options: RunOptions) -> Tensor:
    """Where no size was asked for, that of the images, or the next that the convolutional models make."""
    from wgan_course.data import images
    from wgan_course.models import dcgan

    side = pixels.shape[-1]
    if options.size is not None or options.model == "mlp" or side in dcgan.SHAPES:
        return pixels
    larger = [size for size in sorted(dcgan.SHAPES) if size > side]
    return images.resize(pixels, larger[0] if larger else max(dcgan.SHAPES), border=False)


def _toy_data(options: RunOptions) -> _Data:
    from wgan_course.data import toy

    distribution = toy.make(options.data)
    real = distribution.sample(512, devices.make_generator("cpu", 0, 9))
    return _Data(
        (distribution.dim,),
        f"toy distribution {options.data}",
        lambda batch, rng: SampledBatches(distribution.sample, batch, rng),
        lambda samples: runlog.point_picture(real, samples),
        shown=512,
    )


def _data(options: RunOptions) -> _Data:
    """Find the data; refuse what nobody knows and labels that nobody has."""
    from wgan_course.data import images, toy

    if toy.is_known(options.data):
        if options.conditional:
            raise ValueError("conditional: toy distributions have no labels; use data='fashion-mnist'")
        return _toy_data(options)
    if images.is_known(options.data) or Path(options.data).expanduser().exists():
        return _image_data(options)
    names = ", ".join((*images.NAMES, *toy.NAMES))
    raise ValueError(f"data must be one of {names}, or a folder of pictures or an .npz file; got {options.data!r}")


def _networks(options: RunOptions, data: _Data) -> tuple[nn.Module, nn.Module]:
    """Generator and critic of the model that was asked for."""
    model = options.model
    if model == "auto":
        model = "mlp" if len(data.shape) == 1 else "dcgan"
    if model != "mlp" and len(data.shape) == 1:
        raise ValueError(f"model {model!r} makes images; for {options.data} use model='mlp'")
    common = {"rng": devices.make_generator("cpu", options.seed, 3), "classes": data.classes}
    act = options.activation or ("groupsort" if options.constraint == "orthonormal" else None)
    critic = {**common, "act": act} if act else common
    return (_mlps if model == "mlp" else _convolutional)(model, options, data.shape, common, critic)


def _mlps(_model: str, options: RunOptions, shape: tuple, common: dict, critic: dict) -> tuple[nn.Module, nn.Module]:
    from wgan_course.models import mlp

    out, hidden = shape[0] if len(shape) == 1 else shape, (options.width or DEFAULT_WIDTH["mlp"],) * 3
    generator = mlp.Generator(cast(int, options.latent), out, hidden, **common)
    return generator, mlp.Critic(int(torch.Size(shape).numel()), hidden, **critic)


def _convolutional(
    model: str, options: RunOptions, shape: tuple, common: dict, critic: dict
) -> tuple[nn.Module, nn.Module]:
    from wgan_course.models import dcgan, resnet

    family = {"dcgan": dcgan, "resnet": resnet}[model]
    channels, size, width = shape[0], shape[-1], options.width or DEFAULT_WIDTH[model]
    generator = family.Generator(options.latent, size, channels, width, **common)
    return generator, family.Critic(size, channels, width, **critic)


def build(options: RunOptions) -> tuple[Trainer, _Data]:
    """Make the trainer of a run, without training.

    Parameters
    ----------
    options : RunOptions

    Returns
    -------
    trainer : Trainer
    data
        The data, with ``origin`` (where they came from, in words) and ``show`` (samples to images).

    """
    from wgan_course import constraints, objectives

    options.check()
    options = options.settled()
    config, constraint = options.config(), constraints.make(options.constraint, **options.constraint_options)
    objective, data = objectives.make(options.objective), _data(options)
    batches = data.batches(cast(int, options.batch), devices.make_generator("cpu", options.seed, 4))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        generator, critic = _networks(options, data)
        folder = Path(options.out)
        trainer = Trainer(generator, critic, batches, constraint, objective=objective, config=config, folder=folder)
    return trainer, data


def train_from_options(options: RunOptions, progress: bool = True) -> RunResult:
    """Train, or go on training, and leave a log, a checkpoint and pictures.

    Parameters
    ----------
    options : RunOptions
    progress : bool
        Show a progress bar.

    Returns
    -------
    RunResult

    Raises
    ------
    ValueError
        If the resumed run has already taken that many steps.
    """
    options, file = options.resumed()
    options.check()
    options = options.settled()
    with distributed.group(str(options.device)) as device:
        trainer, data = build(replace(options, device=device))
        if options.threads is not None:
            torch.set_num_threads(options.threads)
        if file is not None:
            trainer.resume(file)
        if trainer.step >= options.steps:
            raise ValueError(f"steps: the run has taken {trainer.step} already; ask for more, got {options.steps}")
        return _run(options, trainer, data, progress)


def _run(options: RunOptions, trainer: Trainer, data: _Data, progress: bool) -> RunResult:
    """Note the options, say what is about to happen, and train; of several processes, the first writes."""
    folder, described = Path(options.out), devices.describe(trainer.device)
    first = trainer.rank == 0
    trainer.begin()
    if first:
        options.write()
        _log.info("%s on %s, %s", data.origin, described, trainer.constraint)

    def picture(current: Trainer, _record: Record | None) -> None:
        if first and (current.step % options.sample_every == 0 or current.step == options.steps):
            _save_samples(current, data, folder)

    record = trainer.fit(options.steps, progress=progress, after=picture)
    files = (folder / name for name in ("log.jsonl", "checkpoint.pt", "samples.png"))
    return RunResult(folder, *files, record=record, device=described, data=data.origin, trainer=trainer)


def _save_samples(trainer: Trainer, data: _Data, folder: Path) -> None:
    """Write the picture of this step, and the same as the latest."""
    columns = min(data.classes or 8, MOST_COLUMNS)
    picture = data.show(trainer.sample(data.shown, seed=1).float().cpu())
    runlog.save_picture(folder / "samples" / f"step-{trainer.step:06d}.png", picture, columns)
    runlog.save_picture(folder / "samples.png", picture, columns)
