"""Data with a known truth: toy distributions, and small images.

Modules
-------
toy
    Distributions in the plane and in any dimension; pairs whose optimal transport is known in closed form.
images
    Images by name or by path: what ships with this package, torchvision's sets, folders of pictures, npz files.
make_subset, make_emoji
    The commands that made what ships: ``python -m wgan_course.data.make_subset``.
"""
