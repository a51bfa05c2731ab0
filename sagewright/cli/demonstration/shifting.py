"""Requests that no longer look like what the model was trained on, made of rows that do.

Which columns change is read from the rows: the one whose doubling is felt most, and the one whose two commonest values
are most unlike in number, which change places. So the monitor can be asked to name exactly these.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sagewright.cli.errors import CommandError

FACTOR = 2
# A number with fewer values than this is a flag or a count; a text with more is a name or a remark.
FEWEST_NUMBERS, MOST_CATEGORIES = 20, 50
# What a column must move to be told from chance in a few hundred rows: twice the monitor's own threshold and more.
LEAST_DISTANCE = 0.25

Row = dict[str, str]


@dataclass(frozen=True)
class Shift:
    """What is done to each row: one number is scaled, two values of one category change places."""

    number: str
    category: str
    swapped: tuple[str, str]

    @property
    def columns(self) -> list[str]:
        """The columns that change, in the order of their names."""
        return sorted({self.number, self.category})

    def __str__(self) -> str:
        one, other = self.swapped
        return f"{self.number} times {FACTOR}, and in {self.category} {one!r} for {other!r}"

    def apply(self, rows: Sequence[Row]) -> list[Row]:
        """Change rows; the given ones stay as they are."""
        one, other = self.swapped
        places = {one: other, other: one}
        return [
            row
            | {
                self.number: str(Decimal(row[self.number]) * FACTOR) if row[self.number] else "",
                self.category: places.get(row[self.category], row[self.category]),
            }
            for row in rows
        ]


def choose(columns: Iterable[tuple[str, str]], rows: Sequence[Row]) -> Shift:
    """Choose what to change, given the version's columns as names and types, and rows as clients send them."""
    kinds = dict(columns)
    numbers = {name: _felt(rows, name) for name, kind in kinds.items() if kind in {"number", "integer"}}
    pairs = {name: found for name, kind in kinds.items() if kind == "string" and (found := _pair(rows, name))}
    number = max(numbers, key=lambda name: numbers[name], default=None)
    category = max(pairs, key=lambda name: pairs[name][0], default=None)
    if number is None or numbers[number] < LEAST_DISTANCE:
        raise CommandError(
            "No number among the columns moves far enough when it is doubled: there is no drift to show."
        )
    if category is None or pairs[category][0] < LEAST_DISTANCE:
        raise CommandError("No category among the columns has two values that are unlike in number: no drift to show.")
    return Shift(number, category, pairs[category][1])


def _felt(rows: Sequence[Row], name: str) -> float:
    """Measure how far doubling moves a number: the largest distance of both distribution functions."""
    values = sorted(float(row[name]) for row in rows if row[name])
    if len(set(values)) < FEWEST_NUMBERS:
        return 0.0
    return max(_distances(values))


def _distances(values: Sequence[float]) -> Iterator[float]:
    doubled = sorted(FACTOR * value for value in values)
    below = 0
    for position, value in enumerate(values, start=1):
        while below < len(doubled) and doubled[below] <= value:
            below += 1
        yield abs(position - below) / len(values)


def _pair(rows: Sequence[Row], name: str) -> tuple[float, tuple[str, str]] | None:
    """Measure how unlike in number the two commonest values are; None where it is no category."""
    counted = Counter(row[name] for row in rows if row[name])
    if not 1 < len(counted) <= MOST_CATEGORIES:
        return None
    (one, most), (other, next_most) = counted.most_common(2)
    return (most - next_most) / counted.total(), (one, other)
