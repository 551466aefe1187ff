"""Proofs over recorded traffic: of the judge, and of replay. Run as modules; the tests run a sample."""
