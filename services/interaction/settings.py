"""The knobs of interaction, from TENURE_INTERACTION_<FIELD>; read once, in main(), and frozen."""

from pydantic_settings import BaseSettings, SettingsConfigDict

from services.interaction.policy import DEFAULT, Policy


class Settings(BaseSettings):
    """`TENURE_INTERACTION_POLICY='{"acknowledge_days": 1}'`, or `TENURE_INTERACTION_POLICY__RESOLVE_DAYS=5`."""

    model_config = SettingsConfigDict(env_prefix="TENURE_INTERACTION_", env_nested_delimiter="__", frozen=True)

    policy: Policy = DEFAULT
