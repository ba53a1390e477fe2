"""Pages about policies, guards and reasons, made from the code that they tell of."""
