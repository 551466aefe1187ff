"""Does this request answer to that one, and if not, where do they part?

A request is cut into parts, one for each name in ``match_on``. The parts make its key, so that finding a recording
costs the same however many there are; where two keys differ, the same parts say in which places. There is no second,
weaker comparison: a request whose key no recording has gets no answer.
"""  # noqa: D400 - a question is what this module answers

from pytest_messages.matching.matcher import BUILTIN, PARTS, Matcher, Matching

__all__ = ["BUILTIN", "PARTS", "Matcher", "Matching"]
