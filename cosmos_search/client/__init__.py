"""Ask a running HTTP server: its address, its JSON, the calls. No encoder, database or HTTP framework is imported here.

What the server does belongs to `cosmos_search.server`.
"""
