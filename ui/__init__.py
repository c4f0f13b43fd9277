"""The web page for searching, refining and indexing, in Streamlit.

Here are the server with its request and message filters, the state of the page, and its views. Searching, indexing and
models belong in `cosmos_search` and `indexer`, which this package calls.
"""
