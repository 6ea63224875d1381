"""Faithful fake SMS gateways, driven by the packs of otpgate_contracts."""

__version__ = "0.1.0"
