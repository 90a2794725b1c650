"""A library of two videos with random vectors and a truth file for it, for tests of whole evaluations."""

from tests.core.search.test_pipeline import add_clips

CSV = """query,video,start_s,end_s,relevance,weather
a red car,night.mp4,0,8,1,rain
a red car,day.mp4,8,16,2,rain
a bus turns left,day.mp4,32,40,1,snow
no pedestrian,night.mp4,100,108,1,snow
a dog,lost.mp4,0,8,1,snow
"""

TRUTH = {"a red car": {1, 27}, "a bus turns left": {30}, "no pedestrian": {13}}
"""Clip ids: night.mp4 has 1-25, day.mp4 26-40, eight seconds each. 100-108 s covers half of clips 13 and 14."""


def fill(library, bundle):
    """night.mp4 with clips 1-25 and day.mp4 with clips 26-40."""
    add_clips(library, bundle, "/drive/night.mp4", 25, seed=1)
    add_clips(library, bundle, "/drive/day.mp4", 15, seed=2)


def write(path, text):
    path.write_text(text)
    return path
