"""The views of the page: functions that show a part of it for a given state."""
