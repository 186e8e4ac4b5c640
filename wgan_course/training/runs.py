"""A whole training run from a handful of options: what ``wgan-course train`` calls.

A run's folder holds ``options.json``, ``log.jsonl`` (one record an interval; the same bytes for the same options on the
same machine), ``timing.jsonl``, ``checkpoint.pt``, and ``samples.png`` with its older states in ``samples/``.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from wgan_course.training import devices, distributed, runlog
from wgan_course.training.batches import Batches, SampledBatches, TensorBatches
from wgan_course.training.critic import Record
from wgan_course.training.loop import Trainer
from wgan_course.training.options import MODELS, RunOptions

__all__ = ["IMAGES", "MODELS", "RunOptions", "RunResult", "build", "train_from_options"]

IMAGES = ("fashion-mnist",)
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

    found = images.load(options.data, "train", size=options.size, path=options.data_path, source=options.data_source)
    device = devices.choose(options.device)
    pixels = found.images.to(device)
    labels = found.labels.to(device) if options.conditional else None
    return _Data(
        tuple(found.images.shape[1:]),
        f"{len(found.images)} images, {found.source} {found.origin}".strip(),
        lambda batch, rng: TensorBatches(pixels, batch, rng, labels),
        lambda samples: samples,
        len(found.classes) if options.conditional else None,
        80 if options.conditional else 64,
    )


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
    from wgan_course.data import toy

    if options.data in IMAGES:
        return _image_data(options)
    if options.data not in toy.NAMES:
        raise ValueError(f"data must be one of {', '.join((*IMAGES, *toy.NAMES))}, got {options.data!r}")
    if options.conditional:
        raise ValueError("conditional: toy distributions have no labels; use data='fashion-mnist'")
    return _toy_data(options)


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
    generator = mlp.Generator(options.latent, out, hidden, **common)
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
    config, constraint = options.config(), constraints.make(options.constraint, **options.constraint_options)
    objective, data = objectives.make(options.objective), _data(options)
    batches = data.batches(options.batch, devices.make_generator("cpu", options.seed, 4))
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
    columns = 10 if trainer.conditional else 8
    picture = data.show(trainer.sample(data.shown, seed=1).float().cpu())
    runlog.save_picture(folder / "samples" / f"step-{trainer.step:06d}.png", picture, columns)
    runlog.save_picture(folder / "samples.png", picture, columns)
