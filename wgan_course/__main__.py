"""``python -m wgan_course`` is the command line."""

from wgan_course.cli import main

if __name__ == "__main__":
    main()
