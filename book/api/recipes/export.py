"""Export a trained generator to ONNX, for programs without PyTorch; batches of any
size."""

from pathlib import Path

import torch

from wgan_course.training.runs import RunOptions, train_from_options


def main(out: str | Path = "runs/exported", steps: int = 500) -> Path:
    """Train a small DCGAN, and write generator.onnx beside its checkpoint."""
    run = train_from_options(
        RunOptions(
            data="fashion-mnist",
            constraint="clip",
            steps=steps,
            device="cpu",
            out=Path(out),
        )
    )
    generator = (
        run.trainer.generator.eval()
    )  # batch norm by its running statistics: one sample at a time is fine
    file = Path(out) / "generator.onnx"
    names = {
        "input_names": ["z"],
        "output_names": ["images"],
        "dynamic_axes": {"z": {0: "n"}, "images": {0: "n"}},
    }
    torch.onnx.export(
        generator, (torch.zeros(2, generator.latent),), file, dynamo=False, **names
    )
    return file
