"""Building the book: the scripts it carries, what has to run again, and Sphinx."""
