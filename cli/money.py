"""How an amount written by people becomes whole minor units and back, exactly, in every currency of ISO 4217.

A currency has 2 decimals unless it is listed here. No float takes part.
"""

import re

DECIMALS: dict[str, int] = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_DECIMAL = re.compile(r"(-?)(\d{1,18})(?:\.(\d{1,18}))?", re.ASCII)


def decimals_of(currency: str) -> int:
    """Digits behind the point: 2 for EUR, 0 for JPY, 3 for KWD."""
    return DECIMALS.get(currency, 2)


def to_minor(amount: str, currency: str) -> int:
    """'19.99', 'EUR' -> 1999. Raises ValueError where the amount is no plain decimal or finer than the currency."""
    parts = _DECIMAL.fullmatch(amount)
    if parts is None:
        raise ValueError(f"expected a decimal such as '19.99', not {amount!r}")
    sign, whole, fraction = parts[1], parts[2], (parts[3] or "").rstrip("0")
    decimals = decimals_of(currency)
    if len(fraction) > decimals:
        raise ValueError(f"{amount} is finer than {currency} allows ({decimals} decimals)")
    return int(sign + whole + fraction.ljust(decimals, "0"))


def format_money(amount_minor: int, currency: str) -> str:
    """1999, 'EUR' -> '19.99 EUR', with thousands apart: '1,204,000.00 EUR'."""
    decimals = decimals_of(currency)
    whole, fraction = divmod(abs(amount_minor), 10**decimals)
    sign = "-" if amount_minor < 0 else ""
    point = f".{fraction:0{decimals}}" if decimals else ""
    return f"{sign}{whole:,}{point} {currency}"
