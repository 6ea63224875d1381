"""Registered texts: MSG91's own templates, found by id, with their variables filled in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from otpgate_contracts import numbering
from otpgate_fakes.core.fake import Refused

if TYPE_CHECKING:
    from otpgate_contracts.account import Template
    from otpgate_fakes.core.context import Context

FLOW_ID = re.compile(r"[0-9a-f]{24}")
PLACE = re.compile(r"##(\w+)##|\{#\w*#\}|\{\{\w+\}\}|\{\w+\}")
UNKNOWN_TEXT = "(a template the account file does not tell)"
INDIA = timezone(timedelta(hours=5, minutes=30))


def approved(context: Context, wanted: str) -> Template | None:
    """The template of an id, None where the account file says nothing of templates; refused unless it may be used."""
    if not FLOW_ID.fullmatch(wanted):
        raise Refused(reason="template_unknown")
    templates = context.account.templates if context.account is not None else None
    known = [one for one in templates or () if FLOW_ID.fullmatch(one.id)]
    if not known:
        return None
    found = next((one for one in known if one.id == wanted), None)
    if found is None or found.status not in (None, "approved"):
        raise Refused(reason="template_unknown")
    return found


def fill(template: Template | None, variables: dict[str, str]) -> tuple[str, list[str]]:
    """The text, and the placeholders nothing was given for. Names count exactly; nameless ones are filled in turn."""
    if template is None or template.text is None:
        return ", ".join(f"{name}: {value}" for name, value in variables.items()) or UNKNOWN_TEXT, []
    unfilled: list[str] = []
    left = [value for name, value in variables.items() if f"##{name}##" not in template.text]

    def value_of(match: re.Match[str]) -> str:
        if match[1] is not None and match[1] in variables:
            return variables[match[1]]
        if match[1] is None and left:
            return left.pop(0)
        unfilled.append(match[0])
        return match[0]

    return PLACE.sub(value_of, template.text), unfilled


def sender_of(context: Context, given: str, template: Template | None, number: str) -> str | None:
    """The header a text goes out with: the call's, the template's, else the one that is configured."""
    if given or (template is not None and template.sender):
        return given or (template.sender if template is not None else None)
    if any(one.default for one in context.senders):
        return None
    configured = context.setting("sender")
    if isinstance(configured, dict):
        configured = configured.get(numbering.country_of(f"+{number}") or "") or configured.get("*")
    return str(configured) if configured else None


def indian(seconds: float) -> datetime:
    """A moment as a clock in India shows it."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(INDIA)
