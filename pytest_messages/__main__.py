"""`python -m pytest_messages` is `pytest-messages`."""

from pytest_messages.commands.main import main

if __name__ == "__main__":
    raise SystemExit(main())
