"""Faithful fake SMS gateways, driven by the packs of otpgate_contracts."""
