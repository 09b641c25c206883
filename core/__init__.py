"""Shared kernel: what two or more services need. Imports no service."""
