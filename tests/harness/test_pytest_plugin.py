"""The pytest plugin, as a user's test suite meets it."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

SUITE = """
import base64, urllib.parse, urllib.request, urllib.error

SID, TOKEN = "AC" + "a" * 32, "b" * 32

def send(base, to):
    body = urllib.parse.urlencode({"To": to, "From": "+12025550143", "Body": "Your code is 314159"}).encode()
    basic = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
    request = urllib.request.Request(f"{base}/2010-04-01/Accounts/{SID}/Messages.json", body, {"Authorization": f"Basic {basic}"})
    return urllib.request.urlopen(request).status

def test_the_code_is_caught(otpgate_gateways, sms):
    assert send(otpgate_gateways.base("twilio"), "+12025550123") == 201
    assert sms.wait("+12025550123").code == "314159"

def test_the_next_test_starts_clean(sms):
    assert sms.messages() == []

def test_a_fault_strikes(otpgate_gateways, sms):
    sms.fault("status", status=503, provider="twilio", count=1)
    try:
        send(otpgate_gateways.base("twilio"), "+12025550124")
    except urllib.error.HTTPError as error:
        assert error.code == 503
    else:
        raise AssertionError("the fault did not strike")

def test_silence_is_told(otpgate_gateways, sms):
    send(otpgate_gateways.base("twilio"), "+12025550125")
    sms.wait("+12025550199", timeout=0.2)
"""


@pytest.mark.slow
def test_a_suite_gets_fakes_and_a_clean_inbox(pytester: pytest.Pytester) -> None:
    """Messages are caught, state does not leak between tests, faults strike, silence says what was sent instead."""
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--otpgate-provider", "twilio")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*no message to +12025550199*messages went to +12025550125*"])


def test_the_plugin_costs_nothing_until_used() -> None:
    """Loading the plugin imports neither the fakes nor anything heavy."""
    heavy = "requests,rich,jinja2,msgspec,starlette,uvicorn,phonenumbers,otpgate.testing,otpgate_contracts"
    code = (
        "import sys; before = set(sys.modules); import otpgate.pytest_plugin; "
        f"print([name for name in {heavy.split(',')!r} if name in sys.modules and name not in before])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
