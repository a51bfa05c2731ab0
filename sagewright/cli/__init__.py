"""How a person drives Sagewright: `sagewright …`, one module per command group."""

import gc
import sys


def main() -> None:
    """Run the console script."""
    # Imported here, because everything that only needs a name from this package should not load AWS's clients.
    if sys.argv[1:] == ["--version"]:
        from sagewright import __version__  # noqa: PLC0415 - every build of a pipeline asks for no more than this

        sys.stdout.write(f"sagewright {__version__}\n")
        return
    # Nearly all that a command makes it keeps to its end: to look for garbage in it took a fifth of its time.
    gc.set_threshold(50_000)
    from .app import app  # noqa: PLC0415 - see above

    try:
        app()
    finally:
        gc.freeze()  # or all of it is looked through once more when the process ends
