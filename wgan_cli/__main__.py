"""``python -m wgan_cli`` is the command line."""

from wgan_cli import main

if __name__ == "__main__":
    main()
