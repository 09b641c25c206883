"""Files of rows about people, from their bytes to clients, enrollments and payroll lines."""
