"""What a sweep costs, beside what no synchronizer can do without. See README.md."""
