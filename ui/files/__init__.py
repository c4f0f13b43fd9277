"""Original files, thumbnails, uploads and downloads. No Streamlit calls here."""
