"""Problem set 5: weight clipping."""
