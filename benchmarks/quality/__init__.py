"""How good: retrieval with the built-in encoder and by parts."""
