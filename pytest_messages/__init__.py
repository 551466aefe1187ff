"""Record, replay and judge calls to the Anthropic-style Messages API, in pytest."""
