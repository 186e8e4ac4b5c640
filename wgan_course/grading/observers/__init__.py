"""Observers of single problem sets, for what `wgan_course.grading.observe.call` cannot look at."""
