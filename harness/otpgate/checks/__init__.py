"""Checks: judgement of observed traffic. Each is a registered rule of scope `traffic` over `Observed`."""

from otpgate.checks import codes, failing_over, observing, receiving, sending

__all__ = ["codes", "failing_over", "observing", "receiving", "sending"]
