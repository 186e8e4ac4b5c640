"""Observers of single problem sets, for what `wgan_course.check.observe.call` cannot look at."""
