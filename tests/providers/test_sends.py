"""The sends that throughput is measured with are taken by the fakes, signature and all."""

from __future__ import annotations

import pytest

from otpgate_contracts import loading
from tests.providers import sends
from tests.providers.conftest import Start


def test_every_provider_has_one() -> None:
    """A provider without a sample would not be measured; gateways that describe themselves have none of their own."""
    assert sends.providers() == sorted(name for name, pack in loading.packs().items() if not pack.provider.described)


@pytest.mark.parametrize("provider", sends.providers())
def test_it_is_accepted_and_captured(provider: str, start_fakes: Start) -> None:
    """The sample is answered as accepted, and its code is in the inbox."""
    send = sends.read(provider)
    fakes = start_fakes(**send.config())
    fakes.clock(shift=send.shift())
    answer = fakes.call(provider, send.method, send.path, data=send.body.encode(), headers=send.headers)
    assert answer.status_code < 300, answer.text
    assert [message["code"] for message in fakes.messages()] == ["123456"]


def test_a_signed_one_is_refused_when_it_was_changed(start_fakes: Start) -> None:
    """The signature of the sample counts: with another body it is refused."""
    signed = [send for send in map(sends.read, sends.providers()) if send.signed]
    assert signed
    for send in signed:
        fakes = start_fakes(**send.config())
        fakes.clock(shift=send.shift())
        body = send.body.replace("123456", "654321").encode()
        answer = fakes.call(send.provider, send.method, send.path, data=body, headers=send.headers)
        assert answer.status_code in (401, 403), answer.text
