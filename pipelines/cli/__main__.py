"""`python -m pipelines.cli`: the same program as `wardflow`."""

from pipelines.cli import main

if __name__ == "__main__":
    main(prog_name="wardflow")
