"""How often each text of a column occurs: exact for as many as fit, then with a known error.

Beyond that the counts are those of Misra and Gries (1982): the same number is taken from every count until few enough
are left, so that what is frequent always stays, and a count is too low by no more than was taken in all.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Mapping

# So many counts are kept; beyond, each is too low by at most 1/65,536 of the rows (0.0015 %).
CAPACITY = 65_536

# Of the texts themselves only the smallest hashes are kept: their density tells how many there are
# (Bar-Yossef and others, 2002). The standard error is 1/sqrt(4094), which is 1.6 %.
_HASHES = 4096
_HASH_RANGE = 2.0**64


class ValueCounts:
    """Counts of a column's texts. `undercount` is the most, in rows, by which any of them is too low."""

    def __init__(self) -> None:
        self.count = 0
        self.undercount = 0
        self.counts: Counter[str] = Counter()
        self._smallest: list[int] | None = None

    @classmethod
    def of(cls, counts: Mapping[str, int], count: int) -> "ValueCounts":
        """Read the counts of some texts among so many rows."""
        read = cls()
        read.counts.update(counts)
        read.count = count
        return read

    def add(self, counts: Mapping[str, int]) -> None:
        """Add the counts of a batch of rows."""
        self.count += sum(counts.values())
        self.counts.update(counts)
        if self._smallest is not None:
            self._note(counts)
        if len(self.counts) > 2 * CAPACITY:
            if self._smallest is None:
                self._note(self.counts)
            self._thin_out()

    @property
    def distinct(self) -> int:
        """How many different texts there are: exact up to 131,072, then an estimate."""
        if self._smallest is None:
            return len(self.counts)
        return round((_HASHES - 1) / (self._smallest[-1] / _HASH_RANGE))

    @property
    def is_exact(self) -> bool:
        """Whether every text is counted, and rightly."""
        return self._smallest is None

    def most_common(self, most: int) -> list[tuple[str, int]]:
        """Return the most frequent texts with their counts; equally frequent ones in the order of the alphabet."""
        return heapq.nsmallest(most, self.counts.items(), key=lambda item: (-item[1], item[0]))

    def _thin_out(self) -> None:
        taken = sorted(self.counts.values(), reverse=True)[CAPACITY]
        self.undercount += taken
        self.counts = Counter({text: number - taken for text, number in self.counts.items() if number > taken})

    def _note(self, texts: Mapping[str, int]) -> None:
        hashes = {_hash(text) for text in texts}
        self._smallest = sorted(hashes.union(self._smallest or ()))[:_HASHES]


def _hash(text: str) -> int:
    # A lone surrogate, which JSON can carry, has no UTF-8.
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
