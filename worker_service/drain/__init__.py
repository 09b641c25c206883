"""The inside of a worker process: claims batches, runs handlers, keeps leases alive, writes outcomes."""
