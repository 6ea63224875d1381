"""Signature Version 4 of one POST, by the standard library alone."""

from __future__ import annotations

import hashlib
import hmac
import os
import time


def headers(service: str, host: str, body: bytes, **more: str) -> dict[str, str]:
    """What a POST of this body to the root of a host has to carry."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    region = os.environ["AWS_REGION"]
    scope = f"{now[:8]}/{region}/{service}/aws4_request"
    sent = {"host": host, "x-amz-date": now, **more}
    names = ";".join(sorted(sent))
    lines = "".join(f"{name}:{sent[name]}\n" for name in sorted(sent))
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"{os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
    return {**sent, "authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"}
