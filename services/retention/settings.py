"""The knobs of retention, from RETENTION_<FIELD>; read once, in main(), and frozen."""

from pydantic_settings import BaseSettings, SettingsConfigDict

from services.retention.policy import DEFAULT, Policy


class Settings(BaseSettings):
    """`RETENTION_POLICY='{"segments": {"contracts": {"basis": "renewal-date", "grace_days": 14}}}'`"""

    model_config = SettingsConfigDict(title="RETENTION_", env_prefix="RETENTION_", frozen=True)

    policy: Policy = DEFAULT
