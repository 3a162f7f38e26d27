"""Quality and cost, ours and the peers', in one run; each module is a command with JSON out."""
