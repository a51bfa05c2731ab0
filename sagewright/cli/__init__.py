"""How a person drives Sagewright: `sagewright …`, one module per command group."""


def main() -> None:
    """Run the console script."""
    # Imported here, because everything that only needs a name from this package should not load AWS's clients.
    from .app import app  # noqa: PLC0415 - see above

    app()
