"""Door 1: accept documents and messages fast, commit, ring the bell; never think."""
