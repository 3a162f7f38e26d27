"""A synthetic town: a community of any size whose truth is known."""

from data.town.make import Town, make_town

__all__ = ["Town", "make_town"]
