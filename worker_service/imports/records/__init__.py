"""Enrollments and payroll lines, many at once: found, made, changed."""
