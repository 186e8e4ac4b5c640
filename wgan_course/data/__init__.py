"""Data with a known truth: toy distributions, and small images.

Modules
-------
toy
    Distributions in the plane and in any dimension; pairs whose optimal transport is known in closed form.
images
    Fashion-MNIST, from a folder, the Debian package, torchvision's cache or the subset that this package ships.
idx
    The file format that MNIST and its relatives come in.
make_subset
    The command that made the shipped subset: ``python -m wgan_course.data.make_subset``.
"""

__all__ = ["idx", "images", "make_subset", "toy"]
