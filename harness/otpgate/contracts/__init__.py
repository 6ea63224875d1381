"""Contracts between a service and its gateways: pact files from observed traffic, and everything that is held against them.

`record` writes them, `verify` holds the fakes to them, `live` the real provider, `publish` hands them to a broker.
`conformance` judges exchanges by an OpenAPI document; `fuzz` and `receipt_fuzz` try the service's own endpoints.
"""
