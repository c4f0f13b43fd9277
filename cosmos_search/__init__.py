"""Find pictures by what is in them."""
