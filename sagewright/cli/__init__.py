"""How a person drives Sagewright: `sagewright …`, one module per command group."""

import sys


def main() -> None:
    """Run the console script."""
    # Imported here, because everything that only needs a name from this package should not load AWS's clients.
    if sys.argv[1:] == ["--version"]:
        from sagewright import __version__  # noqa: PLC0415 - every build of a pipeline asks for no more than this

        sys.stdout.write(f"sagewright {__version__}\n")
        return
    from .app import app  # noqa: PLC0415 - see above

    app()
