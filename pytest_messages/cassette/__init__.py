"""The document of interactions: what it holds, how it reads and is written, and where it lies."""
