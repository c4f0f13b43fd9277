"""The views of the page: functions that show a part of it for a given state.

Values that outlive one run of the script belong in `ui.session`, reading and writing of files in `ui.files`.
"""
