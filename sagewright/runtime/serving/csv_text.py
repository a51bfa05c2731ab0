"""One CSV reader for training files and requests, so that quotes, commas and line ends mean the same in both."""

import csv
from collections.abc import Iterable, Iterator


def rows(lines: Iterable[str], width: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, texts) of each record. Raises csv.Error on broken quoting.

    A blank line is no record, except in a table of one column, where it is a record with an empty text. The number of
    columns is `width`, or else that of the first record.
    """
    reader = csv.reader(lines, strict=True)
    for texts in reader:
        width = width or len(texts)
        if texts:
            yield reader.line_num, texts
        elif width == 1:
            yield reader.line_num, [""]
