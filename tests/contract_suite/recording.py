"""What a provider's own consumers say to its fake, as pact files: `python -m tests.contract_suite.recording [PROVIDER...]` writes them.

A provider has consumers when its folder of tests has a `consumer.py` with CONSUMERS. Nothing else names one.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from unittest import mock

import msgspec
import yaml

from otpgate.config import manifest as manifests
from otpgate.contracts import record
from otpgate.contracts.playing import Listener, playing
from otpgate.scenarios.lanes import fakes
from otpgate_contracts import loading
from otpgate_contracts.admin import Exchange, Listen, Receipt
from otpgate_fakes.loading import names
from tests.providers.conftest import PUBLIC
from tests.providers.consumer import At, Consumer

PROVIDERS = Path(__file__).parents[1] / "providers"
COUNTRIES = ["GB", "US", "DE", "IN"]


def consumers(provider: str) -> tuple[Consumer, ...]:
    """The consumers of a provider's own folder; none where it has none."""
    if not (PROVIDERS / provider / "consumer.py").is_file():
        return ()
    found: tuple[Consumer, ...] = import_module(f"tests.providers.{provider}.consumer").CONSUMERS
    return found


def recorded(provider: str, consumer: Consumer) -> list[record.Recorded]:
    """Play a consumer against the fake and write down what was said, receipts included."""
    product = consumer.settings.get("product", "sms")
    gateway = provider if product == "sms" else f"{provider}-{product}"
    with tempfile.TemporaryDirectory(prefix="otpgate-consumer-") as place:
        folder = Path(place)
        (folder / "account.yaml").write_text(yaml.safe_dump(consumer.account))
        (folder / "otpgate.yaml").write_text(yaml.safe_dump({
            "service": {"name": consumer.name, "public_url": PUBLIC},
            "gateways": {gateway: {"provider": provider, **consumer.settings, "account": "account.yaml"}},
            "routes": [{"countries": COUNTRIES, "gateways": [gateway], "share": 1.0}], "otp": {"digits": 6},
        }))
        manifest = manifests.load(folder / "otpgate.yaml", {})
        packs = {provider: loading.pack(provider)}
        config, listener = fakes(manifest, packs, 1), Listener()
        config.clock, config.listen = "immediate", Listen(
            https="127.0.0.1:0", relay="127.0.0.1:0", providers={provider: "127.0.0.1:0"},
        )
        for edge in config.edges:
            edge.upstream = listener.url
        with playing(config, listener) as played:
            at = At(played, provider)
            with mock.patch.dict(os.environ, environment(at)):
                for name in ("NO_PROXY", "no_proxy"):
                    os.environ.pop(name, None)
                consumer.play(at)
            for message in played.admin("GET", "messages?limit=100")["messages"]:
                played.admin("GET", f"messages/wait?to={message['to'].replace('+', '%2B')}&after={message['id']}&timeout=5&settled=true")
            exchanges = msgspec.convert(played.admin("GET", "exchanges")["exchanges"], list[Exchange])
            receipts = msgspec.convert(played.admin("GET", "receipts")["receipts"], list[Receipt])
    stray = [call.url for call in exchanges if call.gateway != gateway]
    assert not stray, f"{consumer.name} made calls that are not its gateway's: {stray}"
    return record.record(manifest, packs, exchanges, receipts)


def environment(at: At) -> dict[str, str]:
    """Proxy and CA variables that lead production host names to the fake."""
    return {
        "HTTPS_PROXY": at.proxy, "HTTP_PROXY": at.proxy, "https_proxy": at.proxy, "http_proxy": at.proxy, "REQUESTS_CA_BUNDLE": at.ca,
        "CURL_CA_BUNDLE": at.ca, "SSL_CERT_FILE": at.ca, "AWS_CA_BUNDLE": at.ca,
    }


def all_of(provider: str) -> Iterator[record.Recorded]:
    """The pacts of every consumer of a provider."""
    for consumer in consumers(provider):
        yield from recorded(provider, consumer)


if __name__ == "__main__":
    for name in sys.argv[1:] or [one for one in names() if consumers(one)]:
        for path, what in record.write(all_of(name), Path(loading.pack(name).folder) / "pacts"):
            sys.stdout.write(f"{what}: {path}\n")
