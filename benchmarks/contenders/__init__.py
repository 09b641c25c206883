"""One file per queue. Each fills its queue with jobs of 200 bytes, then says how long draining took.

The clock runs from the first handler to the last completion that is safe on disk: start-up is free.
"""
