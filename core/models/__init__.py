"""The models' room: towers, heads, bundles, checkpoints. Numbers in, vectors out; no library, no window.

Start with `registry.load_bundle`; everything the other rooms need is on the `ModelBundle` it returns.
"""
