"""Where a community comes from: folders and a synthetic town."""
