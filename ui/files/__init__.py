"""Original files, thumbnails, uploads and downloads.

No Streamlit calls here: what is shown of a file belongs in `ui.views` and `ui.components`.
"""
