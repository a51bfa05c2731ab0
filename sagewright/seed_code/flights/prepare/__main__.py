"""Fetch the tables, once, and write what the project learns from: `python -m prepare`."""

from pathlib import Path

from prepare import source, tables

DATA = Path(__file__).parent.parent / "data"


def main() -> None:
    try:
        raw = source.read(source.folder())
    except source.FetchError as error:
        raise SystemExit(str(error)) from error
    for file, rows in tables.write(raw, DATA).items():
        print(f"data/{file}: {rows:,} rows")


if __name__ == "__main__":
    main()
