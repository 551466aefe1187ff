"""How a call reaches a session: one module a library, and the guard for whatever comes by none of them."""
