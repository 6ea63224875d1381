"""The inbox page: one file, no request leaves it, nothing from outside is read as HTML."""

from __future__ import annotations

import re

from tests.fakes.conftest import Fakes


def page(fakes: Fakes) -> tuple[str, dict[str, str]]:
    answer = fakes.session.get(f"{fakes.control}/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return answer.text, {name.lower(): value for name, value in answer.headers.items()}


def test_the_page_is_whole_in_itself(fakes: Fakes) -> None:
    """No script, style, font or image comes from elsewhere, and the policy forbids it."""
    html, headers = page(fakes)
    assert not re.findall(r"(?:src|href)\s*=|https?://|@import|url\(", html)
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "connect-src 'self'" in headers["content-security-policy"]


def test_the_page_never_reads_text_as_html(fakes: Fakes) -> None:
    """A text of a message is data: the ways to parse it as HTML are not used."""
    html, _ = page(fakes)
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|DOMParser", html)


def test_every_call_of_the_page_exists(fakes: Fakes) -> None:
    """What the page asks for is answered by the admin API."""
    html, _ = page(fakes)
    fakes.send()
    message = fakes.admin("GET", "messages?limit=500")["messages"][0]
    assert fakes.admin("GET", f"exchanges/{message['exchange']}")["status"] == 201
    assert "receipts" in fakes.admin("GET", f"receipts?message={message['id']}")
    called = set(re.findall(r'ask\("(\w+)", "([a-z]+)', html))
    assert called == {("GET", "exchanges"), ("GET", "receipts"), ("GET", "messages"), ("POST", "messages"),
                      ("POST", "inbound"), ("POST", "reset")}


def test_the_page_can_be_used_without_a_mouse(fakes: Fakes) -> None:
    """It names its language, its regions and its search field, and buttons are buttons."""
    html, _ = page(fakes)
    for word in ('lang="en"', '<label for="search"', 'role="alert"', 'aria-live="polite"', "aria-label"):
        assert word in html
    assert "ArrowDown" in html
