"""Settings of the operator's side: data folder, ports, servers. The services read `core.settings`."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.settings import Environment


class OpsSettings(BaseSettings):
    """Names in the environment are `COGEP_<FIELD>`, but for `DATABASE_URL` and `REDIS_URL`."""

    model_config = SettingsConfigDict(
        env_prefix="COGEP_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    env: Environment = Environment.DEV
    data_dir: Path = Field(Path(".cogep"), description="embedded servers, first admin key, logs")
    host: str = Field("127.0.0.1", description="the address both APIs listen on")
    ingestion_port: int = Field(8001, ge=1, le=65535)
    agent_port: int = Field(8000, ge=1, le=65535)
    api_key: SecretStr | None = Field(
        None, description="the key the CLI calls with; absent: the admin key file"
    )
    ingestion_url: str | None = Field(None, description="where the CLI finds the ingestion API, if elsewhere")
    agent_url: str | None = Field(None, description="where the CLI finds the agent API, if elsewhere")

    field_keys: SecretStr | None = Field(None, description="absent: made once, in the data folder")
    match_secret: SecretStr | None = Field(None, description="absent: made once, in the data folder")
    token_secret: SecretStr | None = Field(None, description="absent: made once, in the data folder")
    database_url: SecretStr | None = Field(
        None, validation_alias="DATABASE_URL", description="absent: the embedded Postgres"
    )
    redis_url: SecretStr | None = Field(
        None, validation_alias="REDIS_URL", description="absent: the embedded Redis"
    )

    @property
    def data(self) -> Path:
        """The data folder, absolute: children may have another working directory."""
        return self.data_dir.expanduser().resolve()

    @property
    def admin_key_file(self) -> Path:
        """Where the first admin key is kept, mode 600."""
        return self.data / "admin-key"

    @property
    def ingestion_base(self) -> str:
        """Base URL of the ingestion API that `cogep up` starts with these settings."""
        return f"http://{self._reachable}:{self.ingestion_port}"

    @property
    def agent_base(self) -> str:
        """Base URL of the agent API that `cogep up` starts with these settings."""
        return f"http://{self._reachable}:{self.agent_port}"

    @property
    def _reachable(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 -- compared, not bound
        return f"[{host}]" if ":" in host else host
