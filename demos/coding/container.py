"""The file of a coded text: which model it needs, how many tokens it has, and the code."""

from __future__ import annotations

from dataclasses import dataclass

from .ranges import CodeError

MAGIC = b"MCAC\x01"
MARK = 8  # bytes that tell a model from others


@dataclass(frozen=True)
class Coded:
    """`model` is the beginning of a hash of the weights: another model's probabilities give another text."""

    model: bytes
    tokens: int
    code: bytes

    @property
    def header(self) -> int:
        """Bytes besides the code."""
        return len(self.pack()) - len(self.code)

    def pack(self) -> bytes:
        return MAGIC + self.model + _varint(self.tokens) + self.code

    @staticmethod
    def unpack(data: bytes) -> Coded:
        """Raises CodeError for bytes that are no such file."""
        if not data.startswith(MAGIC) or len(data) < len(MAGIC) + MARK + 1:
            raise CodeError("these bytes are no coded text of this site: they do not begin as one")
        place = len(MAGIC) + MARK
        tokens, shift = 0, 0
        while True:
            if place >= len(data) or shift > 28:
                raise CodeError("these bytes end before the number of tokens does")
            byte = data[place]
            place += 1
            tokens |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        return Coded(data[len(MAGIC) : len(MAGIC) + MARK], tokens, data[place:])


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
