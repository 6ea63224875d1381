"""Errors that name a place in a file, and the nearest right word for a wrong one."""

from __future__ import annotations

from collections.abc import Iterable


class LocatedError(ValueError):
    """A fault in a file. `line` and `column` count from 1; `hint` says what to do."""

    def __init__(self, file: str, line: int, column: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class PackError(LocatedError):
    """A provider pack that cannot be used: unknown id, or a fault in one of its files."""


class AccountError(LocatedError):
    """An account file that cannot be used."""


LONGEST_NAME = 100
"""Letters of a word that may still be a name with a slip in it."""


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The most similar of `words`; None when none is within a third of the word's length (at least one edit)."""
    folded = _fold(word)
    limit = max(1, len(folded) // 3)
    if len(folded) > LONGEST_NAME:
        return None
    alike = ((_fold(candidate), candidate) for candidate in words)
    ranked = sorted((_edits(folded, other), candidate) for other, candidate in alike if abs(len(other) - len(folded)) <= limit)
    return ranked[0][1] if ranked and ranked[0][0] <= limit else None


def _fold(word: str) -> str:
    return word.casefold().replace("-", "_").strip()


def _edits(one: str, other: str) -> int:
    """Edits between two words: insert, drop, replace a letter, or swap two neighbours."""
    table = [[i + j if i * j == 0 else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            change = table[i - 1][j - 1] + (one[i - 1] != other[j - 1])
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, change)
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]
