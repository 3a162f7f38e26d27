"""Belong finds, for each member of a community, where they belong and whom they would like."""
