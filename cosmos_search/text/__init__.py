"""Read the texts in pictures (optical character recognition, the extra `text`).

What is read is stored by `indexer.ingest.read_texts`, and searched by `cosmos_search.retrieval.text_matches`.
"""
