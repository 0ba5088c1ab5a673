"""Where are Kafka and MongoDB, is the way there encrypted, and how does a process prove who it is?

In: TENURE_<FIELD>, or a file of that name in lower case in the folder TENURE_SECRETS_DIR; a variable wins over a file,
and an empty variable is none. Out: settings that fit together. What must not break: a connection that somebody meant
to be encrypted or authenticated is never made without it, so half of a pair is refused, with the setting's name.
"""

import os
import re
import ssl
import warnings
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn, Self
from urllib.parse import unquote

from pydantic import Field, FilePath, SecretStr, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from shared.tls import Pem, UnusableFile, client_context

PREFIX = "TENURE_"
SECRETS_DIR = f"{PREFIX}SECRETS_DIR"
PASSWORD_IN_URL = re.compile(r"://[^/\s:@]*:([^/\s@]*)@")


class KafkaSecurity(StrEnum):
    """How Kafka is spoken to: its own names are PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL."""

    PLAINTEXT = "plaintext"
    TLS = "tls"
    SASL_PLAINTEXT = "sasl-plaintext"
    SASL_TLS = "sasl-tls"

    @property
    def encrypts(self) -> bool:
        return self in (KafkaSecurity.TLS, KafkaSecurity.SASL_TLS)

    @property
    def authenticates(self) -> bool:
        """By a user and a password."""
        return self in (KafkaSecurity.SASL_PLAINTEXT, KafkaSecurity.SASL_TLS)


class SaslMechanism(StrEnum):
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    PLAIN = "PLAIN"


class Connection(BaseSettings):
    """What every kind of connection is read from. Raises ValidationError, SettingsError; neither shows a value."""

    model_config = SettingsConfigDict(
        title=PREFIX, env_prefix=PREFIX, frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    secrets_dir: Path | None = Field(default=None, description="a folder with a file for each setting given so")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _SecretFiles(settings_cls)

    def secrets(self) -> list[str]:
        """Texts that must not be shown, passwords inside addresses among them."""
        found = (getattr(self, name) for name in type(self).model_fields)
        values = [value.get_secret_value() for value in found if isinstance(value, SecretStr)]
        inside = [password for value in values for password in PASSWORD_IN_URL.findall(value)]
        return [*values, *inside, *map(unquote, inside)]


class _SecretFiles(SecretsSettingsSource):
    """The library passes over a folder or a file that it cannot use; here that is an error."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls, secrets_dir=os.environ.get(SECRETS_DIR) or None)

    def __call__(self) -> dict[str, Any]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return super().__call__()
        except (SettingsError, UserWarning, OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{SECRETS_DIR}: {error.__cause__ or error}") from None


class KafkaConnection(Connection):
    """The broker, and how it is reached."""

    kafka: str = Field(description="bootstrap servers, host:port[,host:port]")
    kafka_security: KafkaSecurity = KafkaSecurity.PLAINTEXT
    kafka_sasl_mechanism: SaslMechanism = SaslMechanism.SCRAM_SHA_512
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca_file: FilePath | None = Field(default=None, description="PEM; without it the system's authorities count")
    kafka_cert_file: FilePath | None = Field(default=None, description="PEM: the client's certificate and its chain")
    kafka_key_file: FilePath | None = Field(default=None, description="PEM, not encrypted")

    @model_validator(mode="after")
    def _kafka_fits_together(self) -> Self:
        security = self.kafka_security
        for name in ("kafka_username", "kafka_password"):
            _only_with(self, name, security.authenticates, given=f"{PREFIX}KAFKA_SECURITY={security}")
            if security.authenticates and getattr(self, name) is None:
                _refuse(name, f"is needed, for {PREFIX}KAFKA_SECURITY is {security}")
        for name in ("kafka_ca_file", "kafka_cert_file", "kafka_key_file"):
            _only_with(self, name, security.encrypts, given=f"{PREFIX}KAFKA_SECURITY={security}")
        _both_or_neither(self, "kafka_cert_file", "kafka_key_file")
        _usable(self.kafka_tls)
        return self

    def kafka_tls(self) -> ssl.SSLContext | None:
        """None without encryption. Reads the files, so that a client made later has what stands there then.
        Raises UnusableFile."""
        if not self.kafka_security.encrypts:
            return None
        return client_context(*(_pem(self, name) for name in ("kafka_ca_file", "kafka_cert_file", "kafka_key_file")))


class MongoConnection(Connection):
    """The database, and how it is reached."""

    mongo: SecretStr = Field(description="MongoDB URL")
    mongo_username: str | None = Field(default=None, description="where the URL carries no credentials")
    mongo_password: SecretStr | None = None
    mongo_ca_file: FilePath | None = Field(default=None, description="PEM; turns TLS on")
    mongo_cert_file: FilePath | None = Field(default=None, description="PEM: the client's certificate and its key")

    @model_validator(mode="after")
    def _mongo_fits_together(self) -> Self:
        _both_or_neither(self, "mongo_username", "mongo_password")
        in_url = self._read_url()
        if in_url["username"] is not None and self.mongo_username is not None:
            _refuse("mongo_username", f"{PREFIX}MONGO carries credentials already")
        if self.mongo_encrypts:
            if in_url["options"].get("tls") is False:
                _refuse("mongo", "the URL turns TLS off, and there are files for it")
            _usable(lambda: client_context(*(_pem(self, name) for name in ("mongo_ca_file", "mongo_cert_file"))))
        return self

    @property
    def mongo_encrypts(self) -> bool:
        """Whether TLS is on by these settings; the URL may turn it on as well."""
        return self.mongo_ca_file is not None or self.mongo_cert_file is not None

    def _read_url(self) -> dict[str, Any]:
        """By the driver's own parser, whose errors are not shown: they may quote a password that was not encoded."""
        from pymongo.errors import PyMongoError
        from pymongo.uri_parser import parse_uri

        url = self.mongo.get_secret_value()
        if url.startswith("mongodb+srv://"):  # its parser would ask the name server
            return {"username": None, "options": {}}
        try:
            return dict(parse_uri(url))
        except (PyMongoError, ValueError, TypeError):
            _refuse(
                "mongo",
                "is no URL of MongoDB, or has an option it does not know; names and passwords in it "
                "have to be percent-encoded",
            )


def what_is_wrong(error: ValueError) -> str:
    """With the names of the settings, and never with a value: it may be a secret."""
    if not isinstance(error, ValidationError):
        return str(error)
    fields = error.errors(include_url=False, include_input=False, include_context=False)
    names = (f"{error.title}{'__'.join(map(str, e['loc'])).upper()}: " if e["loc"] else "" for e in fields)
    return "; ".join(f"{name}{e['msg'].removeprefix('Value error, ')}" for name, e in zip(names, fields, strict=True))


def _only_with(settings: Connection, name: str, wanted: bool, *, given: str) -> None:
    if not wanted and getattr(settings, name) is not None:
        _refuse(name, f"would not be used with {given}")


def _both_or_neither(settings: Connection, one: str, other: str) -> None:
    for name, needed in ((one, other), (other, one)):
        if getattr(settings, name) is not None and getattr(settings, needed) is None:
            _refuse(needed, f"is needed, for {_variable(name)} is set")


def _pem(settings: Connection, name: str) -> Pem | None:
    file = getattr(settings, name)
    return None if file is None else Pem(_variable(name), file)


def _usable(read: Callable[[], object]) -> None:
    try:
        read()
    except UnusableFile as error:
        raise PydanticCustomError("connection", "{what}", {"what": str(error)}) from None


def _refuse(name: str, why: str) -> NoReturn:
    raise PydanticCustomError("connection", "{what}", {"what": f"{_variable(name)}: {why}"})


def _variable(name: str) -> str:
    return PREFIX + name.upper()
