"""CSV files whose texts are easily taken for something else, with integer classes that have gaps between them."""

import csv
import sys
from pathlib import Path

import numpy as np

ROWS = 240
HEADER = ["kind", "code", "size", "leaves", "wet", "shade", "colour", "remark", "found"]

generator = np.random.default_rng(11)
rows: list[list[object]] = []
for row in range(ROWS):
    kind = (1, 3, 70)[row % 3]
    size = kind + generator.normal(0, 2)
    rows.append(
        [
            "" if row in (5, 6, 7) else kind,
            f"{row % 30:03}",
            " " if row % 11 == 0 else "NA" if row % 13 == 0 else f"{size:.6e}",
            "" if row % 17 == 0 else int(abs(size)),
            "TRUE" if kind == 3 else "false",
            ["yes", "null", "None", "NA", ""][row % 5],
            ["rouge, clair", 'dit "bleu"', "vert\nfoncé", " gris "][row % 4],
            "",
            f"2024-0{row % 9 + 1}-0{row % 7 + 1}",
        ]
    )


def write(path: Path, header: list[str], part: list[list[object]]) -> None:
    order = [HEADER.index(name) for name in header]
    with path.open("w", encoding="utf-8-sig", newline="") as lines:
        csv.writer(lines).writerows([header, *[[record[place] for place in order] for record in part]])


target = Path(sys.argv[1])
(target / "more").mkdir(parents=True)
(target / "README.txt").write_text("not data")
write(target / "a.csv", HEADER, rows[:100])
write(target / "more" / "b.CSV", HEADER[::-1], rows[100:])
