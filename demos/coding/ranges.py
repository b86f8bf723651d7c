"""An arithmetic coder (Witten, Neal and Cleary 1987) over integer frequencies: exact, the same on every machine.

A text is a number in an interval that each symbol narrows to its share. What one symbol costs is -log2(share) bits, and
the end costs two bits and what fills the last byte.
"""

from __future__ import annotations

BITS = 48  # of the interval's ends
HALF = 1 << (BITS - 1)
QUARTER = 1 << (BITS - 2)
_MASK = (1 << BITS) - 1
LARGEST_TOTAL = 1 << 28  # far below QUARTER, so that no share of the interval is rounded away


class CodeError(ValueError):
    """Frequencies that cannot be coded with, or bytes that were not made by this coder."""


class Encoder:
    """Takes symbols as their place (low, high) in the cumulative frequencies; `finish` gives the bytes."""

    def __init__(self) -> None:
        self._low, self._high = 0, _MASK
        self._waiting = 0  # bits that are not known before the next one is
        self._bits = 0
        self._value = 0
        self._bytes = bytearray()

    def encode(self, low: int, high: int, total: int) -> None:
        _check(low, high, total)
        width = self._high - self._low + 1
        self._high = self._low + width * high // total - 1
        self._low = self._low + width * low // total
        while True:
            if self._high < HALF:
                self._emit(0)
            elif self._low >= HALF:
                self._emit(1)
                self._low -= HALF
                self._high -= HALF
            elif self._low >= QUARTER and self._high < HALF + QUARTER:
                self._waiting += 1
                self._low -= QUARTER
                self._high -= QUARTER
            else:
                return
            self._low <<= 1
            self._high = (self._high << 1) | 1

    @property
    def bits(self) -> int:
        """Bits that are certain by now."""
        return self._bits

    def finish(self) -> bytes:
        """The code of all symbols; nothing can be encoded afterwards."""
        self._waiting += 1
        self._emit(0 if self._low < QUARTER else 1)
        while self._bits % 8:
            self._push(0)
        return bytes(self._bytes)

    def _emit(self, bit: int) -> None:
        self._push(bit)
        for _ in range(self._waiting):
            self._push(1 - bit)
        self._waiting = 0

    def _push(self, bit: int) -> None:
        self._value = self._value << 1 | bit
        self._bits += 1
        if self._bits % 8 == 0:
            self._bytes.append(self._value)
            self._value = 0


class Decoder:
    """Gives back what an `Encoder` was given, if it is asked with the same frequencies."""

    def __init__(self, code: bytes) -> None:
        self._code = code
        self._place = 0
        self._low, self._high = 0, _MASK
        self._value = 0
        for _ in range(BITS):
            self._value = self._value << 1 | self._next()

    def target(self, total: int) -> int:
        """A number in [0, total): the next symbol is the one in whose frequencies it lies."""
        return ((self._value - self._low + 1) * total - 1) // (self._high - self._low + 1)

    def take(self, low: int, high: int, total: int) -> None:
        """The symbol was the one at (low, high)."""
        _check(low, high, total)
        width = self._high - self._low + 1
        self._high = self._low + width * high // total - 1
        self._low = self._low + width * low // total
        while True:
            if self._high < HALF:
                pass
            elif self._low >= HALF:
                self._low -= HALF
                self._high -= HALF
                self._value -= HALF
            elif self._low >= QUARTER and self._high < HALF + QUARTER:
                self._low -= QUARTER
                self._high -= QUARTER
                self._value -= QUARTER
            else:
                return
            self._low <<= 1
            self._high = (self._high << 1) | 1
            self._value = self._value << 1 | self._next()

    @property
    def bits(self) -> int:
        """Bits that have been read."""
        return max(0, self._place - BITS)

    def _next(self) -> int:
        byte, bit = divmod(self._place, 8)
        self._place += 1
        return self._code[byte] >> (7 - bit) & 1 if byte < len(self._code) else 0


def _check(low: int, high: int, total: int) -> None:
    if not (0 <= low < high <= total <= LARGEST_TOTAL):
        raise CodeError(f"({low}, {high}) of {total}: expected 0 <= low < high <= total <= {LARGEST_TOTAL}")
