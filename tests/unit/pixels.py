"""What is on a PNG, read without a library of pictures: 8 bits a channel, not interlaced, as ours are."""

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {2: 3, 6: 4}  # by the type of colour in the header: RGB, RGBA

Colour = tuple[int, ...]


def size(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def colours(png: bytes) -> set[Colour]:
    """Red, green and blue of whatever is on it; how much shines through is left out."""
    assert png.startswith(SIGNATURE)
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", png[16:29])
    assert (8, 0) == (depth, interlaced)
    step = CHANNELS[kind]
    packed = zlib.decompress(b"".join(body for name, body in _chunks(png) if name == b"IDAT"))
    length = 1 + width * step
    above, found = bytes(width * step), set()
    for line in (packed[n * length : (n + 1) * length] for n in range(height)):
        above = _unfiltered(line[0], line[1:], above, step)
        found |= {tuple(above[n : n + 3]) for n in range(0, len(above), step)}
    return found


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _unfiltered(filter_: int, line: bytes, above: bytes, step: int) -> bytes:
    """Each byte is written as its difference from neighbours (section 9 of the PNG specification)."""
    done = bytearray(line)
    for n, value in enumerate(line):
        left, upper_left = (done[n - step], above[n - step]) if n >= step else (0, 0)
        guess = (0, left, above[n], (left + above[n]) // 2, _paeth(left, above[n], upper_left))[filter_]
        done[n] = (value + guess) & 0xFF
    return bytes(done)


def _paeth(left: int, up: int, upper_left: int) -> int:
    near = left + up - upper_left
    return min((left, up, upper_left), key=lambda one: abs(near - one))
