"""Venus isolated pools on a chain of our own: deploying a pool with all that stands around it."""
