"""Problem set 8: spectral normalisation."""
