"""A simulated Foundry platform: live deployments that run, scale and cost, over real HTTP."""
