"""The commands: each parses its arguments, calls one function of the library, and prints the result.

Everything that a program could also need belongs to `cosmos_search.library`.
"""
