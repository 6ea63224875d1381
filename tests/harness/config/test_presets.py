"""Presets: the environment names of known OTP services, bound to gateways."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from otpgate.config import preset
from otpgate.config.keys import API, GATEWAY, OTP
from otpgate.config.model import Manifest
from otpgate.errors import ManifestError
from otpgate_contracts import loading

Load = Callable[..., Manifest]
IDS = (
    "appwrite", "authentik", "django-otp-twilio", "django-phone-verify", "django-two-factor", "gotrue", "keycloak", "kratos", "zitadel",
)


def bound(load: Load, id: str, env: str, rest: str = "") -> Manifest:
    return load(f"service: {{preset: {id}, environment: [a.env]}}\n{rest}", {"a.env": env, "one.yaml": "provider: twilio\n"})


def test_every_promised_preset_is_there() -> None:
    """The ids outside parties write."""
    assert preset.ids() == IDS


@pytest.mark.parametrize("id", IDS)
def test_a_preset_binds_known_keys_and_names_its_sources(id: str) -> None:
    """Title, sources, tell-tale names; every bound key exists in the manifest or the provider's pack."""
    found = preset.read(id)
    assert found.title
    assert found.detect
    assert found.node.items["sources"].children
    for name, node in found.node.items["gateways"].items.items():
        provider = node.items["provider"].text if "provider" in node.items else name
        if provider in loading.ids():
            known = {spec.name for spec in loading.pack(provider).provider.settings} | set(GATEWAY)
            assert set(node.items["settings"].items) <= known
    assert set(found.node.items["otp"].items if "otp" in found.node.items else ()) <= set(OTP)
    assert set(found.node.items["api"].items if "api" in found.node.items else ()) <= set(API)


SID, MG = "AC" + "0" * 32, "MG" + "1" * 32
BOUND = [
    ("gotrue", f"GOTRUE_SMS_PROVIDER=twilio\nGOTRUE_SMS_TWILIO_ACCOUNT_SID={SID}\nGOTRUE_SMS_TWILIO_AUTH_TOKEN=t\nGOTRUE_SMS_TWILIO_MESSAGE_SERVICE_SID={MG}\n",
     "twilio", {"account_sid": SID, "auth_token": "t", "messaging_service_sid": MG}),
    ("gotrue", f"GOTRUE_SMS_PROVIDER=twilio\nGOTRUE_SMS_TWILIO_ACCOUNT_SID={SID}\nGOTRUE_SMS_TWILIO_AUTH_TOKEN=t\nGOTRUE_SMS_TWILIO_MESSAGE_SERVICE_SID=+12025550143\n",
     "twilio", {"account_sid": SID, "auth_token": "t", "sender": "+12025550143"}),
    ("gotrue", "GOTRUE_SMS_PROVIDER=vonage\nGOTRUE_SMS_VONAGE_API_KEY=k\nGOTRUE_SMS_VONAGE_API_SECRET=s\nGOTRUE_SMS_VONAGE_FROM=ACME\n",
     "vonage", {"api_key": "k", "api_secret": "s", "sender": "ACME", "number_form": "e164_without_plus"}),
    ("appwrite", f"_APP_SMS_PROVIDER=sms://{SID}:to%2Fken@twilio\n_APP_SMS_FROM=+12025550143\n", "twilio",
     {"account_sid": SID, "auth_token": "to/ken", "sender": "+12025550143"}),
    ("appwrite", "_APP_SMS_PROVIDER=sms://k:s@vonage\n_APP_SMS_FROM=ACME\n", "vonage", {"api_key": "k", "api_secret": "s", "sender": "ACME"}),
    ("kratos", f"COURIER_SMS_REQUEST_CONFIG_URL=https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json\nCOURIER_SMS_FROM=+12025550143\n"
     f"COURIER_SMS_REQUEST_CONFIG_AUTH_CONFIG_USER={SID}\nCOURIER_SMS_REQUEST_CONFIG_AUTH_CONFIG_PASSWORD=t\n", "twilio",
     {"account_sid": SID, "auth_token": "t", "sender": "+12025550143"}),
    ("django-two-factor", f"TWILIO_ACCOUNT_SID={SID}\nTWILIO_AUTH_TOKEN=t\nTWILIO_CALLER_ID=+12025550143\n", "twilio",
     {"account_sid": SID, "auth_token": "t", "sender": "+12025550143"}),
    ("django-otp-twilio", f"OTP_TWILIO_ACCOUNT={SID}\nOTP_TWILIO_AUTH=t\nOTP_TWILIO_FROM=+12025550143\n", "twilio",
     {"account_sid": SID, "auth_token": "t", "sender": "+12025550143"}),
    ("django-otp-twilio", f"OTP_TWILIO_ACCOUNT={SID}\nOTP_TWILIO_API_KEY=SK1\nOTP_TWILIO_AUTH=t\nOTP_TWILIO_FROM=+12025550143\n", "twilio",
     {"account_sid": SID, "api_key_sid": "SK1", "api_key_secret": "t", "sender": "+12025550143"}),
    ("django-phone-verify", f"PHONE_VERIFICATION_BACKEND=phone_verify.backends.twilio.TwilioBackend\nPHONE_VERIFICATION_SID={SID}\n"
     "PHONE_VERIFICATION_SECRET=t\nPHONE_VERIFICATION_FROM=+12025550143\n", "twilio", {"account_sid": SID, "auth_token": "t", "sender": "+12025550143"}),
    ("keycloak", f"KC_SPI_PHONE_DEFAULT_SERVICE=twilio\nKC_SPI_MESSAGE_SENDER_SERVICE_TWILIO_ACCOUNT={SID}\n"
     "KC_SPI_MESSAGE_SENDER_SERVICE_TWILIO_TOKEN=t\nKC_SPI_MESSAGE_SENDER_SERVICE_TWILIO_NUMBER=+12025550143\n", "twilio",
     {"account_sid": SID, "auth_token": "t", "sender": "+12025550143"}),
    ("authentik", f"AUTHENTIK_SMS_ACCOUNT_SID={SID}\nAUTHENTIK_SMS_AUTH=t\nAUTHENTIK_SMS_FROM_NUMBER=+12025550143\n", "twilio",
     {"account_sid": SID, "auth_token": "t", "sender": "+12025550143"}),
    ("zitadel", f"ZITADEL_DEFAULTINSTANCE_SMSCONFIGURATION_TWILIO_SID={SID}\nZITADEL_DEFAULTINSTANCE_SMSCONFIGURATION_TWILIO_TOKEN=t\n"
     "ZITADEL_DEFAULTINSTANCE_SMSCONFIGURATION_TWILIO_SENDERNUMBER=+12025550143\n", "twilio",
     {"account_sid": SID, "auth_token": "t", "sender": "+12025550143"}),
]


@pytest.mark.parametrize(("id", "env", "gateway", "settings"), BOUND)
def test_a_deployment_is_read_with_no_further_writing(load: Load, id: str, env: str, gateway: str, settings: dict[str, str]) -> None:
    """One gateway, named after the provider the deployment chooses, and nothing is missing."""
    found = bound(load, id, env)
    assert list(found.gateways) == [gateway]
    texts = {name: setting.text for name, setting in found.gateways[gateway].settings.items() if name not in ("provider", "receipts")}
    assert texts == settings
    assert found.problems == ()


def test_what_is_missing_in_the_deployment_is_reported_at_the_preset(load: Load) -> None:
    """The manifest's only mention of the name is the preset."""
    found = bound(load, "gotrue", "GOTRUE_SMS_PROVIDER=vonage\nGOTRUE_SMS_VONAGE_API_KEY=k\nGOTRUE_SMS_VONAGE_FROM=ACME\n")
    assert [(one.path, one.undefined, str(one.span)) for one in found.problems] == [
        ("gateways.vonage.api_secret", ("GOTRUE_SMS_VONAGE_API_SECRET",), "otpgate.yaml:1:19"),
    ]


def test_settings_are_found_where_they_are_deployed(load: Load) -> None:
    """A preset moves no place: the deployed line is the value's."""
    found = bound(load, "gotrue", "GOTRUE_SMS_PROVIDER=vonage\nGOTRUE_SMS_VONAGE_API_KEY=k\n")
    assert str(found.gateways["vonage"].settings["api_key"].span) == "a.env:2:27"


@pytest.mark.parametrize("word", ["carrier", ""])
def test_a_provider_the_service_does_not_know_is_a_problem(load: Load, word: str) -> None:
    """It is judged where it is deployed."""
    found = bound(load, "gotrue", f"GOTRUE_SMS_PROVIDER={word}\n")
    assert [gateway.provider for gateway in found.gateways.values()] == [""]
    (problem,) = found.problems
    assert "no provider of this service" in (problem.problem or "")
    assert problem.span.file == "a.env"


def test_what_the_manifest_says_is_merged_over_the_preset(load: Load) -> None:
    """Accounts, routes and single settings attach to the gateway of the same name."""
    rest = "gateways:\n  twilio: {account: one.yaml, timeout: 3s, sender: ACME}\nroutes: [{countries: [GB], gateways: [twilio]}]\notp: {digits: 8}\n"
    found = bound(load, "django-two-factor", "TWILIO_ACCOUNT_SID=a\nTWILIO_AUTH_TOKEN=t\nTWILIO_CALLER_ID=+12025550143\n", rest)
    gateway = found.gateways["twilio"]
    assert (gateway.text("account_sid"), gateway.text("sender"), gateway.value("timeout")) == ("a", "ACME", 3.0)
    assert gateway.account is not None
    assert (found.otp["digits"].value, found.routes[0].gateways) == (8, ("twilio",))


def test_a_gateway_that_is_named_is_bound_also_when_it_is_not_chosen(load: Load) -> None:
    """Naming it says that it is wanted."""
    rest = "gateways:\n  twilio: {account: one.yaml}\n"
    found = bound(load, "gotrue", "GOTRUE_SMS_PROVIDER=vonage\n", rest)
    assert set(found.gateways) == {"twilio", "vonage"}


@pytest.mark.parametrize(
    ("id", "env", "mock"),
    [
        ("gotrue", "GOTRUE_SMS_AUTOCONFIRM=true", True), ("gotrue", "GOTRUE_SMS_AUTOCONFIRM=false", False),
        ("django-two-factor", "TWO_FACTOR_SMS_GATEWAY=two_factor.gateways.fake.Fake", True),
        ("django-two-factor", "TWO_FACTOR_SMS_GATEWAY=two_factor.gateways.twilio.gateway.Twilio", False),
        ("django-otp-twilio", "OTP_TWILIO_NO_DELIVERY=True", True), ("django-otp-twilio", "OTP_TWILIO_NO_DELIVERY=False", False),
        ("keycloak", "KC_SPI_PHONE_DEFAULT_SERVICE=dummy", True), ("keycloak", "KC_SPI_PHONE_DEFAULT_SERVICE=twilio", False),
    ],
)
def test_known_mock_switches_are_bound(load: Load, id: str, env: str, mock: bool) -> None:
    """The setting that makes the service only pretend to send."""
    assert bound(load, id, env).otp["mock"].value is mock


def test_test_codes_of_a_preset_are_read(load: Load) -> None:
    """`number:code` pairs become codes and numbers; none is none."""
    found = bound(load, "gotrue", "GOTRUE_SMS_PROVIDER=twilio\nGOTRUE_SMS_TEST_OTP=12025550143:123456,12025550144:654321\n")
    assert found.otp["static_codes"].value == {"codes": ["123456", "654321"], "numbers": ["12025550143", "12025550144"]}
    assert "static_codes" not in bound(load, "gotrue", "GOTRUE_SMS_PROVIDER=twilio\n").otp


def test_defaults_of_the_service_stand_in(load: Load) -> None:
    """What is not deployed has the value the service itself gives it."""
    found = bound(load, "gotrue", "GOTRUE_SMS_PROVIDER=twilio\nGOTRUE_SMS_OTP_EXP=300\n")
    assert (found.otp["digits"].value, found.otp["lifetime"].value) == (6, 300.0)
    assert found.api is not None


def test_an_unknown_preset_names_the_nearest() -> None:
    """A usage error."""
    with pytest.raises(ManifestError) as caught:
        preset.read("krato")
    assert "kratos" in caught.value.do
