"""Where does one event of a batch end and the next begin?

In: the bytes of a JSON array. Out: the bytes of its elements, untouched, so that nothing accepted is changed on the
way. An element that is not right inside does not harm its neighbours; only quotes and brackets have to match.
"""

import re

import msgspec

_BLANK = b" \t\r\n"
_MARK = re.compile(rb'["\[\]{},]')
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_COMMAS_PER_EVENT = 256  # above that on average, the careful way is taken, which stops at the limit


class NotAnArray(ValueError):  # noqa: N818 - it is not the program's error but the sender's
    """No elements can be told apart."""


class TooMany(ValueError):  # noqa: N818
    """More elements than asked for; the rest was not looked at."""


def split(body: bytes, *, most: int) -> list[bytes]:
    """Raises NotAnArray or TooMany."""
    if body.count(b",") > most * _COMMAS_PER_EVENT:
        return _split_carefully(body, most)
    try:
        elements = [bytes(element) for element in _ELEMENTS.decode(body)]
    except (msgspec.DecodeError, RecursionError):
        return _split_carefully(body, most)  # somewhere an element is not JSON: the others are
    if len(elements) > most:
        raise TooMany
    return elements


def _split_carefully(body: bytes, most: int) -> list[bytes]:
    """The same for every array, and also where elements are not JSON; some ten times slower, in bounded memory."""
    text = body.strip(_BLANK)
    if not text.startswith(b"["):
        raise NotAnArray("expected a JSON array")
    elements: list[bytes] = []
    depth, start, at = 1, 1, 1
    while depth:
        mark = _MARK.search(text, at)
        if mark is None:
            raise NotAnArray("the array does not end")
        at = mark.end()
        match mark[0]:
            case b'"':
                at = _end_of_string(text, at)
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
        if depth == 0 or (depth == 1 and mark[0] == b","):
            elements.append(text[start : at - 1].strip(_BLANK))
            start = at
            if len(elements) > most:
                raise TooMany
    if at != len(text) or text[at - 1 :] != b"]":
        raise NotAnArray("something follows the array")
    return [] if elements == [b""] else elements


def _end_of_string(text: bytes, at: int) -> int:
    """`at` is behind the opening quote; out: behind the closing one."""
    while (quote := text.find(b'"', at)) >= 0:
        inside = text[at:quote]
        if (len(inside) - len(inside.rstrip(b"\\"))) % 2 == 0:
            return quote + 1
        at = quote + 1
    raise NotAnArray("a text in the array does not end")
