"""The process that opens and parses containers, so that a hostile one costs itself and nothing else."""
