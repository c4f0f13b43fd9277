"""HTTP routes beside Streamlit's: bytes of pictures, and results, details and albums as JSON, for the page's grid.

`ui.request_filter` admits only visitors who are logged in, and only requests of the page itself.
"""
