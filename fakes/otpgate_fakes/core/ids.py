"""Every id a fake makes up, from one source: random by default, repeatable when a seed is given."""

from __future__ import annotations

import random


class Ids:
    """Makes ids in the shapes providers use. With a `seed` two runs make the same ids in the same order."""

    __slots__ = ("_bytes", "_random")

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._bytes = self._random.randbytes  # no secret is made here, and the system's source costs a call into the kernel

    def hex(self, length: int) -> str:
        """`length` lower-case hexadecimal digits."""
        return self._bytes((length + 1) // 2).hex()[:length]

    def upper_hex(self, length: int) -> str:
        """`length` upper-case hexadecimal digits."""
        return self.hex(length).upper()

    def uuid(self) -> str:
        """A version 4 UUID in its usual writing."""
        text = self._bytes(16).hex()
        variant = "89ab"[int(text[16], 16) & 3]
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"

    def digits(self, length: int) -> str:
        """`length` decimal digits, the first one not zero."""
        return str(self._random.randrange(10 ** (length - 1), 10**length))

    def chance(self, probability: float) -> bool:
        """Whether an event of this probability (0..1) happens now."""
        return self._random.random() < probability
