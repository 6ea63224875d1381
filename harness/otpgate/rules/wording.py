"""The message text of a service: where its code stands, what else is filled in, how it looks at its longest."""

from __future__ import annotations

import re

from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.values import number

CODE_WORDS = r"code|otp|token|pin|passcode|password|pass_code|one_time_code|verification_code|verificationcode|otp_code|secret|kode|codigo"
FORMS = (
    r"\{\{\{?\s*[.$]?\s*(?:\w+\.)*(?P<a>NAMES)\s*(?:\|[^}]*)?\}?\}\}",
    r"\{\{?[$.]?(?P<b>NAMES)(?:![rsa])?(?::[^}]*)?\}?\}",
    r"%\((?P<c>NAMES)\)[sd]",
    r"(?P<d>##\s*(?:NAMES)\s*##|#\s*(?:NAMES)\s*#|%+(?:NAMES)%+|\$\{(?:NAMES)\}|\$(?:NAMES)\b|<(?:NAMES)>|\[(?:NAMES)\]|:(?:NAMES)\b|@(?:NAMES)\b)",
    r"(?P<e>####|@@@@|%(?:1\$)?[sd]|\{0\}|\{\}|\{#var#\}|\{\{1\}\})",
)
ANY_FIELD = r"\{#var#\}|\{\{[^{}]*\}\}|\{[^{}\s]{0,40}\}|%\(\w+\)[sd]|%(?:\d\$)?[sd]|##\w+##|\$\{\w+\}"


def code_pattern(service: ServiceSubject) -> str:
    """The pattern of the code's placeholder: the one `otp.placeholder` names, else the common forms."""
    own = service.otp("placeholder")
    if own is not None and own.text:
        text = own.text.strip()
        return re.escape(text) if re.search(r"\W", text) else r"\{\{?[ .$]*" + re.escape(text) + r" *\}?\}|" + re.escape(text)
    pattern = "|".join(FORMS).replace("NAMES", CODE_WORDS)
    return "(?i:" + re.sub(r"\?P<\w>", "?:", pattern) + ")"


def has_code(service: ServiceSubject, text: str) -> bool:
    return re.search(code_pattern(service), text) is not None


def rendered(service: ServiceSubject, text: str) -> str:
    """The text at its longest: digits for the code, eight characters for any other field."""
    digits = int(number(service.otp_value("digits", 6)) or 6)
    filled = re.sub(code_pattern(service), "8" * digits, text)
    return re.sub(ANY_FIELD, "XXXXXXXX", filled)


def literals(service: ServiceSubject, text: str) -> list[str]:
    """The fixed parts of a text, in order: what stands between its variable parts."""
    marked = re.sub(code_pattern(service), "\0", text)
    return re.split(r"\0+", re.sub(ANY_FIELD, "\0", marked))


def display(locale: str) -> str:
    """How a locale is named in a message: nothing for the only text."""
    return f" ({locale})" if locale else ""
