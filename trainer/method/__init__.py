"""The method of the COSMOS paper: losses, student, teacher, training step, optimizer, schedules.

File access and data loading do not belong here.
"""
