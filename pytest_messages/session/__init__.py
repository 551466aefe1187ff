"""One test's use of one cassette: what happens to a request, and what is to be said of it all."""
