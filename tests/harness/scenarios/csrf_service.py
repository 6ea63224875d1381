"""A sign-in of the old kind: a form, a session cookie, a CSRF token in each page, redirects on success."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

from otpgate.engines.model import Response

CODE = "428913"


class CsrfService:
    """Answers like `Lane.call`; every page gives a new token, which the next form must carry with the cookie."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, str]] = {}
        self.addresses: list[str] = []

    def __call__(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None,
        timeout: float = 30.0,
    ) -> Response:
        headers = headers or {}
        self.addresses.append(headers.get("X-Forwarded-For", ""))
        cookies = dict(part.split("=", 1) for part in headers.get("Cookie", "").split("; ") if "=" in part)
        name = cookies.get("session") or secrets.token_hex(8)
        session = self.sessions.setdefault(name, {})
        form = {key: values[0] for key, values in parse_qs((body or b"").decode(), keep_blank_values=True).items()}
        route = (method, urlsplit(path).path)
        if route in (("GET", "/login"), ("GET", "/login/code")):
            session["token"] = secrets.token_hex(8)
            return page(200, f'<input name="csrf" value="{session["token"]}">', name)
        if not form.get("csrf") or form["csrf"] != session.pop("token", None):
            return page(403, "the form has expired", name)
        if route == ("POST", "/login"):
            session["phone"] = form["phone"]
            return page(302, "", name, Location="/login/code")
        if route == ("POST", "/login/code") and "phone" in session:
            return page(302 if form["code"] == CODE else 200, "wrong code" if form["code"] != CODE else "", name)
        return page(404, "", name)


def page(status: int, body: str, session: str, **headers: str) -> Response:
    return Response(
        status=status, headers={"content-type": "text/html", **{k.lower(): v for k, v in headers.items()}},
        body=body.encode(), seconds=0.01, set_cookies=(f"session={session}; Path=/; HttpOnly",),
    )
