"""Downloads. Original files, thumbnails and uploads are in `cosmos_search.service`.

No Streamlit calls here: what is shown of a file belongs in `ui.views` and `ui.components`.
"""
