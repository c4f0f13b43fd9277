"""Scripts that measure, each printing a table; README.md here keeps the results."""
