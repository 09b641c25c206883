"""The document pipeline: fetch, sniff, extract, chunk, embed, index."""
