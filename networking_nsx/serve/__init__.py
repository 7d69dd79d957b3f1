"""What a running daemon tells others, and takes from them: the control socket."""
