"""What was written and why, kept for whoever asks later: never an input to a decision."""
