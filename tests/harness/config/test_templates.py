"""Where the code stands in a message template."""

from __future__ import annotations

import pytest

from otpgate.config.templates import placeholders, render

RECOGNISED = [
    ("Your code is {code}.", "Your code is 123456."), ("Your code is {{ .Code }}", "Your code is 123456"), ("{{code}} is your code", "123456 is your code"),
    ("{{ .VerificationCode }}", "123456"), ("{{ user.otp | upper }}", "123456"), ("{{{code}}}", "123456"), ("Use %s now", "Use 123456 now"),
    ("%(token)s", "123456"), ("%06d", "123456"), ("%1$s", "123456"), ("%{code}", "123456"), ("Code: ##OTP##", "Code: 123456"), ("@@password@@", "123456"), ("((code))", "123456"), ("__CODE__.", "123456."), ("#code#", "123456"),
    ("@acme.com #{code}", "@acme.com #123456"), ("#1: {code}", "#1: 123456"), ("$code!", "123456!"),
    ("${otp}", "123456"), ("{0} for {1}", "123456 for {1}"), ("{}", "123456"), ("{code:06d}", "123456"), ("Use :code", "Use 123456"),
    ("<%= code %>", "123456"), ("{{1}} is it", "123456 is it"), ("{#var#}", "123456"), ("[code]", "123456"), ("%code%", "123456"),
    ("{brand}: {security_code}", "{brand}: 123456"), ("{code}\n\n@example.com #{code}", "123456\n\n@example.com #123456"), ("{otpCode}", "123456"),
    ("50% off: %s", "50% off: 123456"), ("{{ one_time_password }}", "123456"), ("{tokenCode} in {minutes}", "123456 in {minutes}"),
]


@pytest.mark.parametrize(("template", "message"), RECOGNISED)
def test_placeholders_of_common_frameworks_are_recognised(template: str, message: str) -> None:
    """A name that says code, else the first positional one."""
    assert render(template, "123456") == message


@pytest.mark.parametrize(
    "template", ["Your code is on its way", "{brand} says hello", "It costs $5 at 10:30 [ACME] 100%", "{{ .SiteURL }}", "", "{codename}", "Visit http://x:code"],
)
def test_a_template_without_a_place_for_the_code_has_none(template: str) -> None:
    """Other placeholders, prices, times and brackets are no place for a code."""
    assert render(template, "123456") is None


def test_another_placeholder_can_be_named() -> None:
    """`otp.placeholder` is taken literally, and then alone."""
    assert render("Use XX, {code}", "1", "XX") == "Use 1, {code}"
    assert render("Use {code}", "1", "XX") is None


def test_placeholders_know_their_place() -> None:
    """Text, offsets, name, and whether it is the code's."""
    found = placeholders("{brand}: {code}")
    assert [(one.text, one.start, one.end, one.name, one.code) for one in found] == [("{brand}", 0, 7, "brand", False), ("{code}", 9, 15, "code", True)]
