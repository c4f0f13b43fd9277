"""Components that several views use: Streamlit components with their scripts and styles, and the data they show.

Nothing here uses `ui.session`: components get values and callbacks from `ui.views`.
"""
