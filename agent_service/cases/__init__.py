"""The pipeline: cases that are taken, worked on and handed on, by one person at a time."""
