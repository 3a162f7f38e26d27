"""From a community to a bundle: embed, build, fit, evaluate."""
