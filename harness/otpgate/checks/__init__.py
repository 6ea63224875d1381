"""Checks of observed traffic, and the diagnosis from provider code to rule to setting."""
