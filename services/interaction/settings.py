"""The knobs of interaction, from INTERACTION_<FIELD>; read once, in main(), and frozen."""

from pydantic_settings import BaseSettings, SettingsConfigDict

from services.interaction.policy import DEFAULT, Policy


class Settings(BaseSettings):
    """`INTERACTION_POLICY='{"acknowledge_days": 1}'`, or `INTERACTION_POLICY__RESOLVE_DAYS=5`."""

    model_config = SettingsConfigDict(
        title="INTERACTION_", env_prefix="INTERACTION_", env_nested_delimiter="__", frozen=True
    )

    policy: Policy = DEFAULT
