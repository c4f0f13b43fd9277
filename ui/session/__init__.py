"""State of a visitor (in the address), resources shared by all visitors, login.

How the state is shown belongs in `ui.views`.
"""
