"""Problem set 10: measures of images, and the capstone."""
