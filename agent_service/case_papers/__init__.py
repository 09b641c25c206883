"""What lies in the folder of a case: notes and files, sealed."""
