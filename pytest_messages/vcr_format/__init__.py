"""Read and write VCR.py cassettes."""

from __future__ import annotations

from pytest_messages.vcr_format.reading import load, whole_interactions
from pytest_messages.vcr_format.writing import MARKER, dump, dump_interaction

__all__ = ["MARKER", "dump", "dump_interaction", "load", "whole_interactions"]
