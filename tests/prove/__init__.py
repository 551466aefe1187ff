"""Proof of the judge: no false alarm on real traffic, and no damage missed. Run as modules; the tests run a sample."""
