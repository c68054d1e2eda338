"""Try every request that a provider sends on the instance that runs, and say what to do where one fails."""
