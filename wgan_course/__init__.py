"""Wasserstein GANs and Lipschitz critics: the package behind the course.

Submodules are imported where they are needed, so that ``import wgan_course`` costs nothing beyond Python itself.
"""

__version__ = "0.1.0"
