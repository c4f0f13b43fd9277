"""The HTTP server over `Library`: routes below /v1, their limits, and the process that listens.

What a route does is in the library and in `cosmos_search.service`; calling a server is in `cosmos_search.client`.
"""
