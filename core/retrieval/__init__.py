"""Portuguese-first hybrid search over chunks: the analysis, the SQL, the fusion."""
