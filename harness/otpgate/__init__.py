"""Integration contract tests for services that send one-time passcodes by SMS."""

__version__ = "0.1.0"
