"""Certificates made for one test: an authority of its own, and whom it vouches for. Files are PEM."""

from datetime import UTC, datetime
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

HOST = "127.0.0.1"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Authority:
    def __init__(self, folder: Path) -> None:
        self._folder, self._ca = folder, trustme.CA()
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def issue(self, name: str, host: str = HOST, *, expired: bool = False) -> "Certificate":
        leaf = self._ca.issue_cert(host, not_after=LONG_AGO if expired else None, not_before=LONG_AGO)
        return Certificate(self._folder, name, leaf)


class Certificate:
    """`file`: the chain; `key_file`: its key, in PKCS #8, which Apache Kafka asks for; `both`: one file of them."""

    def __init__(self, folder: Path, name: str, leaf: trustme.LeafCert) -> None:
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        self._key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
        plain = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.file, self.key_file, self.both = (folder / f"{name}{end}.pem" for end in ("", "-key", "-both"))
        self.file.write_bytes(chain)
        self.key_file.write_bytes(plain)
        self.both.write_bytes(plain + chain)

    def encrypted_key(self, password: str) -> Path:
        locked = BestAvailableEncryption(password.encode())
        file = self.key_file.with_name(f"locked-{self.key_file.name}")
        file.write_bytes(self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
        return file
