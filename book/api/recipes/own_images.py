"""Train on a folder of pictures: any sizes, any of the usual formats; subfolders
are classes."""

from pathlib import Path

from wgan_course.training.runs import RunOptions, RunResult, train_from_options


def main(
    pictures: str | Path,
    out: str | Path = "runs/own",
    steps: int = 5000,
    width: int = 32,
) -> RunResult:
    """Train a DCGAN with a gradient penalty; ``out`` gets samples.png, log.jsonl
    and checkpoint.pt."""
    options = RunOptions(
        data=str(pictures),
        size=32,
        constraint="gp",
        width=width,
        steps=steps,
        ema=0.999,
        out=Path(out),
    )
    return train_from_options(options)
