"""A bridge of one's own on this machine: for the demo, the benchmarks and the stories.

Real processes and real HTTP, nothing patched: what is shown and measured here is what runs elsewhere.
"""
