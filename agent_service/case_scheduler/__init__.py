"""What time does to cases, by hand; how the pipeline is doing; and the rules that operators decide."""
