"""The clouds' own forms of the API: the same messages in another envelope, recognised by path on any host.

One row a cloud and one rule for all its endpoints. Foundry, Bedrock's ``/anthropic`` endpoint and others that speak the
API as it is, below a prefix of their own, need no row: their paths end in ``/v1/messages``.
"""

from __future__ import annotations

import re

CLOUD_FORMS = {
    # A model is an id or the ARN of a profile, whose slashes some clients leave as they are.
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html
    "Bedrock": re.compile(r"/model/.+/(invoke|converse|count-tokens)[^/]*/?$|/async-invoke/?$"),
    # Counting tokens is a model of its own name there: count-tokens:rawPredict.
    # https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
    "Vertex": re.compile(r":(streamR|r)awPredict/?$"),
}
"""What the path of each cloud's form matches."""


def is_cloud_form(path: str) -> bool:
    """Tell whether a decoded path is a cloud's form of the API."""
    return any(form.search(path) for form in CLOUD_FORMS.values())
