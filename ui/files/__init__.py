"""Downloads, and the folders that can be chosen. Originals, thumbnails and uploads: `cosmos_search.service`.

No Streamlit calls here: what is shown of a file belongs in `ui.views` and `ui.components`.
"""
