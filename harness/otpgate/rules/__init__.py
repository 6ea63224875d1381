"""The rule catalogue: one module per family, one function per rule, its docstring its page and its tests."""

from __future__ import annotations

from importlib import import_module

from otpgate.rules import (
    accounts,
    beside,
    careless,
    couriers,
    credentials,
    described,
    destinations,
    encoding,
    endpoints,
    environments,
    exposure,
    failover,
    guards,
    policy,
    pools,
    quotas,
    references,
    registrations,
    repeated,
    runtimes,
    senders,
    senders_by_country,
    signing,
    silence,
    silenced,
    surroundings,
    templates,
    texts,
    timing,
    trust,
    unmentioned,
    verifying,
    versions,
    webhooks,
    wiring,
)
from otpgate.rules.pages import Page, page
from otpgate.rules.registry import Fault, Missing, Rule, registered

__all__ = ["FAMILIES", "Fault", "Missing", "Page", "Rule", "family_modules", "load", "page"]

ENTRY_POINTS = "otpgate.rules"

FAMILIES = {
    "CR": "credentials", "EP": "endpoint and region", "SN": "sender", "DP": "destination permission",
    "RC": "registration and compliance", "TP": "template and content", "EN": "encoding and number format",
    "WH": "webhooks and receipts", "TL": "TLS, trust and clock", "TO": "timeouts and retries",
    "RQ": "rate, quota, spend", "FO": "failover and routing", "OP": "one-time-passcode policy",
    "EV": "environment mix-up, trial, test and mock settings", "SV": "silent failure made visible",
    "VR": "provider ids, keys and SDK versions", "FL": "flow wiring", "EX": "secrets exposed",
}

family_modules = (
    accounts, beside, careless, couriers, credentials, described, destinations, encoding, endpoints, environments, exposure, failover, guards, policy, pools, quotas,
    references, registrations, repeated, runtimes, senders, senders_by_country, signing, silence, silenced, surroundings, templates, texts, timing, trust,
    unmentioned, verifying, versions, webhooks, wiring,
)


def load(*, installed: bool = False) -> dict[str, Rule]:
    """Every rule by id. `installed` also asks other distributions (`otpgate.rules` entry points), which costs a scan."""
    if installed:
        for point in import_module("importlib.metadata").entry_points(group=ENTRY_POINTS):
            import_module(point.module)
    return registered()
