"""The demo world: a seeded, procedurally drawn road world seen through a dashcam, with exact truth.

Reading order: `truth` (what is known of a clip), `scene` (grammar -> timeline), `render` (timeline -> frames),
`captions` (truth -> sentences), `dataset` and `demo` (the two command lines).
"""
