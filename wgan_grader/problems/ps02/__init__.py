"""Problem set 2: the Earth-Mover distance."""
