"""A picture with everything that somebody who cannot see it gets instead: a sentence about it and its numbers."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

# Readable on white as well as on black, and apart from each other for every kind of colour vision.
THEN, NOW, GOOD, BAD, PLAIN = "#3a86c8", "#d0661a", "#2f9263", "#d6453d", "#808890"

NOTHING = "\N{EN DASH}"  # in a cell that has no value


@dataclass(frozen=True)
class Table:
    """Rows of texts under their headings."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def numeric(self) -> list[bool]:
        """Say of each column whether it holds numbers, which are set to the right."""
        columns = zip(*self.rows, strict=True) if self.rows else ((),) * len(self.headings)
        return [all(_is_number(cell) for cell in column) and any(column) for column in columns]


@dataclass(frozen=True)
class Chart:
    """One picture; `told` is the sentence under it, `table` what it is drawn from."""

    title: str
    told: str
    figure: go.Figure
    table: Table
    wide: bool = False
    height: int = 320

    @property
    def data(self) -> str:
        """The figure as the page's script takes it: no `<` in it can end the element that it stands in."""
        figure = self.figure
        figure.update_layout(template="none", height=self.height)
        return figure.to_json().replace("<", "\\u003c")


def plain(text: object) -> str:
    """Write a text of the data's so that Plotly, which takes a few tags of HTML for formatting, shows it as it is."""
    return html.escape(str(text), quote=False)


def shortened(text: str, most: int) -> str:
    """Cut a text that would take a picture's room."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _is_number(cell: str) -> bool:
    if cell in {"", NOTHING}:
        return True
    try:
        float(cell.replace(",", "").removesuffix(" %").removesuffix(" s"))
    except ValueError:
        return False
    return True
