"""What the messages can do by themselves."""

from core.protocol import Hit, in_order_of_time


def hit(rank, video, start_s):
    return Hit(
        rank=rank, clip_id=rank, video_id=1, video=video, start_s=start_s, end_s=start_s + 8, score=0.0,
        first_rank=rank, percentile=50.0,
    )  # fmt: skip


def test_the_order_of_time_counts_the_numbers_in_names():
    hits = (
        hit(1, "/drives/2 Rain/b.mp4", 0.0),
        hit(2, "/drives/drive_10.mp4", 8.0),
        hit(3, "/drives/drive_10.mp4", 0.0),
        hit(4, "/drives/Drive_9.mp4", 16.0),
        hit(5, "/drives/drive_9.mp4", 0.0),
        hit(6, "7.mp4", 3.0),
        hit(7, "", 0.0),
        hit(8, "/drives/drive_9.mp4", 120.0),
        hit(9, "/drives/²/x.mp4", 1.0),  # a digit that is no number
    )
    assert [one.rank for one in in_order_of_time(hits)] == [7, 6, 1, 4, 5, 8, 3, 2, 9]
    assert in_order_of_time(()) == ()
