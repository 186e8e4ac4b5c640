"""Problem set 7: power iteration, and the norm of a convolution."""
