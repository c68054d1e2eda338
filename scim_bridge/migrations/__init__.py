"""How the tables came to be, step by step. A new step: ``make migration MESSAGE="what changes"``, then read it."""
