"""A session around a block: whose choices hold, what a run remembers, how everything is put together."""
