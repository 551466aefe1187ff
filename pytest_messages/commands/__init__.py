"""The command `pytest-messages`: one file a subcommand."""
