"""What the command that starts the page and the page itself agree on; imported by both, so it is light."""

__all__ = ["MAX_UPLOAD_MB", "TOKEN"]

TOKEN = "COSMOS_SEARCH_TOKEN"  # the environment variable with what visitors must say; empty: nothing
MAX_UPLOAD_MB = 32
