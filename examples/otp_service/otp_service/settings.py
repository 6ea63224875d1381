"""The service's configuration, read once from the environment and refused whole when it is incomplete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class SettingsError(Exception):
    """One line per missing or malformed variable."""


@dataclass(frozen=True)
class Settings:
    host: str
    port: int
    data_dir: str
    public_url: str
    pepper: str = field(repr=False)
    template: str
    digits: int
    lifetime: float
    max_attempts: int
    resend_after: float
    resend_limit: int
    receipt_timeout: float
    gateway_timeout: float
    mock: bool
    twilio_account_sid: str
    twilio_auth_token: str = field(repr=False)
    twilio_from: str
    twilio_validity_seconds: int
    vonage_api_key: str
    vonage_api_secret: str = field(repr=False)
    vonage_signature_secret: str = field(repr=False)
    vonage_signature_method: str
    vonage_from: str
    vonage_north_america_from: str
    vonage_ttl_milliseconds: int

    @property
    def twilio_callback(self) -> str:
        return f"{self.public_url}/webhooks/twilio"

    @property
    def vonage_callback(self) -> str:
        return f"{self.public_url}/webhooks/vonage"


def read(environ: Mapping[str, str]) -> Settings:
    """Settings from environment variables; raises SettingsError naming every fault at once."""
    faults: list[str] = []

    def text(name: str, default: str | None = None) -> str:
        value = environ.get(name, "") or (default or "")
        if not value:
            faults.append(f"{name} is not set")
        return value

    def number(name: str, default: str | None = None) -> float:
        value = text(name, default)
        try:
            return float(value)
        except ValueError:
            if value:
                faults.append(f"{name} is not a number: {value!r}")
            return 0.0

    settings = Settings(
        host=text("HOST", "127.0.0.1"),
        port=int(number("PORT", "8000")),
        data_dir=text("DATA_DIR", "."),
        public_url=text("PUBLIC_URL").rstrip("/"),
        pepper=text("OTP_PEPPER"),
        template=text("OTP_TEMPLATE"),
        digits=int(number("OTP_DIGITS", "6")),
        lifetime=number("OTP_LIFETIME", "300"),
        max_attempts=int(number("OTP_MAX_ATTEMPTS", "5")),
        resend_after=number("OTP_RESEND_AFTER", "30"),
        resend_limit=int(number("OTP_RESEND_LIMIT", "3")),
        receipt_timeout=number("RECEIPT_TIMEOUT", "8"),
        gateway_timeout=number("GATEWAY_TIMEOUT", "3"),
        mock=environ.get("SMS_MOCK", "false").lower() in ("1", "true", "yes", "on"),
        twilio_account_sid=text("TWILIO_ACCOUNT_SID"),
        twilio_auth_token=text("TWILIO_AUTH_TOKEN"),
        twilio_from=text("TWILIO_FROM"),
        twilio_validity_seconds=int(number("TWILIO_VALIDITY_SECONDS", "300")),
        vonage_api_key=text("VONAGE_API_KEY"),
        vonage_api_secret=text("VONAGE_API_SECRET"),
        vonage_signature_secret=text("VONAGE_SIGNATURE_SECRET"),
        vonage_signature_method=text("VONAGE_SIGNATURE_METHOD", "sha256"),
        vonage_from=text("VONAGE_FROM"),
        vonage_north_america_from=text("VONAGE_NORTH_AMERICA_FROM"),
        vonage_ttl_milliseconds=int(number("VONAGE_TTL_MS", "300000")),
    )
    if "{code}" not in settings.template and settings.template:
        faults.append("OTP_TEMPLATE has no {code}")
    if faults:
        raise SettingsError("\n".join(faults))
    return settings
