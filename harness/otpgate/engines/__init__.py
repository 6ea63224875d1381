"""Engines start the service and the fakes, wire them, and stop them."""
