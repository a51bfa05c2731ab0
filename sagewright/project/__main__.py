"""Writes what is generated from the model: `python -m sagewright.project` after every change of it."""

from pathlib import Path

from sagewright.project import reference, schema

ROOT = Path(__file__).parents[2]
GENERATED = {
    ROOT / "sagewright" / "project" / "project.schema.json": schema.text,
    ROOT / "docs" / "project-file.md": reference.text,
}


def main() -> None:
    """Write every generated file."""
    for file, text in GENERATED.items():
        file.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
