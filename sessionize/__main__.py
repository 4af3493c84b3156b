"""`python -m sessionize` is the command line."""

from sessionize.cli.main import main

if __name__ == "__main__":
    main()
