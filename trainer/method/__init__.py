"""COSMOS as the paper describes it: losses, student, teacher, training step, optimizer, schedules.

File access and data loading do not belong here.
"""
