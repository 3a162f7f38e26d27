"""The `belong` command."""

from belong.cli import main

if __name__ == "__main__":
    main()
