"""What the page and the HTTP server share: original files, thumbnails, uploads, the indexing job, cached results.

No HTTP and no Streamlit here. What is sent to clients belongs to `cosmos_search.server` and `ui`.
"""
