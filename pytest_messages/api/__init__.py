"""The documented Messages API: its shapes, its streams, its bytes."""
