"""Does a set of PEM files make a TLS client? Python's defaults are kept: TLS 1.2 or newer, certificate and host name
of the server verified. There is no way to turn that off."""

import ssl
from pathlib import Path
from typing import NamedTuple, NoReturn


class Pem(NamedTuple):
    """A file, and the setting that names it."""

    setting: str
    file: Path


class UnusableFile(OSError):  # noqa: N818 - a state of the file
    """The text begins with the setting's name. May pass: a file is replaced at this moment."""


def client_context(ca: Pem | None, certificate: Pem | None, key: Pem | None = None) -> ssl.SSLContext:
    """Without `ca` the authorities of the system are trusted; without `key` it stands in the certificate's file.
    Raises UnusableFile."""
    try:
        context = ssl.create_default_context(cafile=ca and ca.file)
    except OSError as error:
        raise _unusable(ca or Pem("", Path()), f"has no certificate that can be read ({_short(error)})") from error
    if certificate is not None:
        try:
            context.load_cert_chain(certificate.file, key and key.file, password=_no_password)
        except (OSError, _Encrypted) as error:
            raise _unusable(*_culprit(error, certificate, key or certificate)) from error
    return context


class _Encrypted(Exception):  # noqa: N818 - a state of the key
    pass


def _no_password() -> NoReturn:
    raise _Encrypted  # else OpenSSL would ask at the terminal


def _culprit(error: Exception, certificate: Pem, key: Pem) -> tuple[Pem, str]:
    """OpenSSL names neither the file nor, of many things, the thing."""
    if isinstance(error, _Encrypted):
        return key, "is encrypted: the key is needed as it is, in a file that only this process can read"
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return key, "is not the key of the certificate"
    for pem, mark in ((certificate, "CERTIFICATE-----"), (key, "KEY-----")):
        try:
            if mark not in pem.file.read_text(errors="replace"):
                return pem, f"has no {mark.rstrip('-').lower()} in PEM"
        except OSError as unreadable:
            return pem, f"cannot be read ({_short(unreadable)})"
    return certificate, f"cannot be used ({_short(error)})"


def _unusable(pem: Pem, why: str) -> UnusableFile:
    return UnusableFile(f"{pem.setting}: {why}")


def _short(error: Exception) -> str:
    """Without the place in OpenSSL's source and without the path, which the setting gives."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no PEM").replace("_", " ").lower()
    return (getattr(error, "strerror", None) or str(error)).lower()
