"""COSMOS as the paper describes it: losses, student, teacher, one step, optimizer, schedules.

No files here, and no data loading.
"""
