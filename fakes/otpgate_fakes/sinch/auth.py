"""Who calls: a plan's API token, the keys of a project, a token made from them, or an application."""

from __future__ import annotations

import hmac
from functools import partial
from typing import TYPE_CHECKING

from otpgate_contracts import signing
from otpgate_fakes.core.fake import Claim, Operation, Reply, Request
from otpgate_fakes.sinch import application, verify
from otpgate_fakes.sinch.render import reply

if TYPE_CHECKING:
    from otpgate_fakes.core.account import Account
    from otpgate_fakes.core.context import Context

LIFE = 3599
"""Seconds a token of a project holds."""

OF_PROJECTS = ("zt.", "numbers.", "auth.")
"""How hosts begin that know projects and no plans."""

OF_KEYS = ("get_token", "list_active_numbers", "get_active_number", "list_regions")


def claim(request: Request, operation: Operation | None) -> Claim:
    """By what stands in Authorization. On the hosts of plans a project's token is nobody's, and the other way round."""
    if operation is not None and operation.product == verify.PRODUCT:
        return application.claim(request)
    header = request.headers.get("authorization")
    pair = signing.basic(header)
    if operation is not None and operation.id in OF_KEYS and pair is not None:
        return Claim(pair[0], secret=pair[1], scheme="project", check=partial(objection, request))
    token = signing.bearer(header)
    if token is None or (operation is not None and operation.id == "get_token"):
        return Claim(None, reason="credentials_wrong" if header else None)
    of_project = signing.read_jwt(token)
    if of_project is not None:
        return of_token(request, of_project)
    if operation is not None and operation.id in OF_KEYS:
        return Claim(None, reason="credentials_wrong")
    plan = request.path_params.get("service_plan_id", "")
    return Claim(plan, secret=token, scheme="plan", reason="credentials_wrong" if request.host.startswith(OF_PROJECTS) else None)


def of_token(request: Request, token: signing.Jwt) -> Claim:
    """The claim of a token that `get_token` gave; its time is core's to judge."""
    key, until = token.claims.get("client_id"), token.claims.get("exp")
    if not isinstance(key, str) or isinstance(until, bool) or not isinstance(until, int | float):
        return Claim(None, reason="credentials_wrong")
    of_plans = request.host.endswith(".sms.api.sinch.com") and not request.host.startswith(OF_PROJECTS)
    return Claim(
        key, scheme="project", valid_until=float(until), verify=lambda secret: signing.verify_hs256(secret, token),
        reason="credentials_wrong" if of_plans else None, check=partial(objection, request),
    )


def objection(request: Request, account: Account) -> str | None:
    """A project's keys open that project only."""
    wanted = request.path_params.get("project_id") or request.path_params.get("service_plan_id")
    known = account.plain("project_id")
    return "credentials_unknown" if wanted and known is not None and str(known) != wanted else None


def get_token(context: Context, request: Request) -> Reply:
    """A token that carries who asked and until when, signed with the secret that was shown."""
    if dict(request.form or ()).get("grant_type") != "client_credentials":
        context.refuse("syntax_constraint_violation", parameter="grant_type")
    shown = context.claim
    secret = (shown.secret if shown is not None else None) or ""
    now = int(context.clock.now())
    claims = {"client_id": context.principal or "", "iat": now, "exp": now + LIFE, "jti": context.ids.uuid()}
    token = signing.write_jwt({"alg": "HS256", "typ": "JWT"}, claims, lambda text: hmac.digest(secret.encode(), text, "sha256"))
    return reply({"access_token": token, "expires_in": LIFE, "scope": "", "token_type": "bearer"})
