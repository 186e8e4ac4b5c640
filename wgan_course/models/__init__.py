"""Generators and critics: multilayer perceptrons, DCGANs, residual networks.

Modules
-------
layers
    Activations whose double backward costs nothing, GroupSort, pooling, residual blocks, the projection head.
mlp
    ``mlp.Critic`` and ``mlp.Generator`` for points in the plane and for flattened images.
dcgan
    ``dcgan.Critic`` and ``dcgan.Generator`` for images of 28, 32 or 64 pixels.
resnet
    ``resnet.Critic`` and ``resnet.Generator`` for the same images.
velocity
    ``velocity.VelocityField`` for flow matching on images (chapter 10).
pretrained
    Generators that a GPU has trained.
super_resolution
    ``super_resolution.Generator`` restores images of four times the side; the projection on what was seen; PSNR.

No critic uses batch statistics: they would couple the samples that a gradient penalty treats one by one (chapter 6).
"""
