"""What the tests of Verify share: the service of the account, and the SDK's way to it."""

from __future__ import annotations

from typing import Any

from twilio.rest.verify.v2.service import ServiceContext
from twilio.rest.verify.v2.service.verification import VerificationInstance
from twilio.rest.verify.v2.service.verification_check import VerificationCheckInstance

from tests.providers.twilio.conftest import ACCOUNT, TOKEN, US, Fakes

SERVICE = "VA0123456789abcdef0123456789abcdef"
OTHER_SERVICE = "VAffffffffffffffffffffffffffffffff"
TEMPLATE = "HJ0123456789abcdef0123456789abcdef"
WRONG = "000000"
"""No code that a fake makes: its first digit is never zero."""


def owned(**says: Any) -> dict[str, Any]:
    """Account state with one Verify service, of which it says this."""
    return {"services": [{"id": SERVICE, "friendly_name": "Acme", "code_length": 6, "custom_code_enabled": True, **says}]}


class Verify:
    """The SDK at one service, and the message that reached the handset."""

    def __init__(self, fakes: Fakes, user: tuple[str, str] = (ACCOUNT, TOKEN), service: str = SERVICE) -> None:
        self.fakes = fakes
        self.service: ServiceContext = fakes.client(*user, account=ACCOUNT).verify.v2.services(service)

    def start(self, to: str = US, channel: str = "sms", **more: Any) -> VerificationInstance:
        """A start, a second after whatever was before."""
        self.fakes.wait(1)
        return self.service.verifications.create(to=to, channel=channel, **more)

    def check(self, code: str, to: str = US, **more: Any) -> VerificationCheckInstance:
        names = more or {"to": to}
        return self.service.verification_checks.create(code=code, **names)

    @property
    def message(self) -> dict[str, Any]:
        return self.fakes.running.messages()[0]

    @property
    def code(self) -> str:
        code: str = self.message["code"]
        return code
