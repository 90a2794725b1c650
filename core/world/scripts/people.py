"""People and animals: who crosses, who waits, who rides ahead."""

from __future__ import annotations

import math

import numpy as np

from core.world.cast import Actor
from core.world.motion import ease, stand
from core.world.stage import Stage, cruise


def send_across(st: Stage, kind: str, y: float, from_side: int, meet: float, speed: float) -> Actor:
    """Send somebody across so that they are before the ego car at `meet`. from_side -1: from the left."""
    st.gaps.append(y)
    lane = st.lay.ours[st.lane]
    edge = 1.2
    left, right = -st.lay.left - edge, st.lay.right + edge
    x0, x1 = (left, right) if from_side < 0 else (right, left)
    x0 += from_side * float(st.rng.uniform(0.0, 1.0))
    start = meet - abs(lane - x0) / speed
    if start < 0:  # already on the way when the clip begins
        x0 = lane + from_side * speed * meet
        start = -0.3
    track = st.across(y, x0, x1, start, speed)
    if start < 0:
        track = st.across(y, x0, x1, 0.0, speed)
    actor = st.add(kind, track, side="left" if from_side < 0 else "right")
    on_road = np.flatnonzero(
        (track.speed > 0.2) & (np.abs(track.x - st.lay.middle(y)) < max(st.lay.left, st.lay.right) + 0.6)
    )
    if len(on_road):
        name = "crosses from left" if from_side < 0 else "crosses from right"
        st.happen(name, float(st.times[on_road[0]]), float(st.times[on_road[-1]]), actor)
    return actor


def crossing(st: Stage) -> None:
    """Somebody crosses ahead; the ego car stands, stops, or slows for them."""
    rng = st.rng
    rural = st.lay.road == "rural"
    kinds = (
        ["deer", "dog", "pedestrian"]
        if rural
        else ["pedestrian", "pedestrian", "pedestrian", "child", "child", "dog", "cyclist"]
    )
    kind = str(rng.choice(kinds))
    mode = str(rng.choice(["stands", "stops", "stops", "slows"]))
    v = st.pace * 0.85
    meet = float(rng.uniform(3.6, 5.2))
    if mode == "stands":
        st.drive([(0, 0), (8, 0)])
        meet = float(rng.uniform(2.2, 4.8))
    elif mode == "stops":
        halt = meet - float(rng.uniform(0.2, 0.8))
        st.drive([(0, v), (max(0.2, halt - v / 4.2), v), (halt, 0), (8, 0)])
        st.manoeuvre = "stops"
        st.happen("ego stops", max(0.2, halt - v / 4.2), halt)
    else:
        slow = 2.0
        st.drive([(0, v), (0.8, v), (meet - 0.6, slow), (meet + 0.8, slow), (8, v * 0.8)])
        st.manoeuvre = "slows"
        st.happen("ego slows", 0.8, meet - 0.3)
    speed = {"pedestrian": 1.35, "child": 2.3, "dog": 2.6, "deer": 3.6, "cyclist": 3.4}[kind] * float(
        rng.uniform(0.9, 1.15)
    )
    gap = float(rng.uniform(7.5, 12.5)) + (3.0 if kind in ("deer", "cyclist") else 0.0)
    y = st.ego_s(meet) + gap
    if not rural and kind in ("pedestrian", "child"):
        st.lay.zebra = y
    else:
        st.quiet = True  # nobody waits for an animal: keep the other side empty
    send_across(st, kind, y, int(rng.choice([-1, 1])), meet, speed)
    if kind == "pedestrian" and rng.random() < 0.3:
        send_across(
            st,
            "pedestrian",
            y + float(rng.uniform(-0.9, 0.9)),
            int(rng.choice([-1, 1])),
            meet + float(rng.uniform(0.6, 1.6)),
            1.3,
        )
    if mode == "stands":
        st.manoeuvre = "stands"
        gone = meet + (st.lay.right + 1.5) / speed
        if gone < 6.0 and len(st.actors) == 1:
            go = gone + 0.3
            st.drive([(0, 0), (go, 0), (8.5, 0.9 * (8.5 - go) * 2)])
            st.happen("ego starts", go, 8.0)
            st.manoeuvre = "starts"


def waiting(st: Stage) -> None:
    """A person waits at the kerb while the ego car passes by."""
    v = cruise(st, st.pace * 0.8)
    gap = float(st.rng.uniform(0.65, 0.9)) * st.ego_s(8.0) + 4.0
    kind = str(st.rng.choice(["pedestrian", "pedestrian", "child"]))
    x = st.lay.right + 0.5
    if st.lay.park:
        st.lay.zebra = gap
    actor = st.add(kind, stand(st.times, st.lay.middle(gap) + x, gap, -math.pi / 2), side="right")
    end = float(np.interp(gap - 3.0, st.ego.way, st.times))
    start = max(0.0, end - 26.0 / v)
    st.happen("waits at kerb", start, end, actor)


def cyclist(st: Stage) -> None:
    """A cyclist rides ahead at the right; the ego car stays behind, or passes with a wide berth."""
    rng = st.rng
    ride = float(rng.uniform(4.2, 6.0))
    edge = {"rural": 2.9, "city": st.lay.lane * len(st.lay.ours) - 0.65}.get(st.lay.road, st.lay.right - 0.9)
    kind = "cyclist"
    if rng.random() < 0.45:
        gap = float(rng.uniform(7.5, 12.0))
        v = ride
        st.drive([(0, v + 1.0), (2, v), (8, v)])
        track = st.along(edge, gap, [(0, ride), (8, ride)])
        actor = st.add(kind, track, side="right")
        st.happen("cyclist ahead", 0, 8, actor)
    else:
        v = ride + float(rng.uniform(3.4, 4.6))
        t = float(rng.uniform(4.4, 5.6))
        gap = (v - ride) * t
        berth = -1.5 * (ease(st.times, t - 2.6, t - 1.0) - ease(st.times, t + 0.8, t + 2.2))
        st.drive([(0, v), (8, v)], offset=berth)
        actor = st.add(kind, st.along(edge, gap, [(0, ride), (8, ride)]), side="right")
        st.happen("cyclist ahead", 0, t - 0.5, actor)
        st.happen("ego overtakes", t - 2.4, t + 0.8, actor)
        st.manoeuvre = "overtakes"
        st.quiet = True
    st.busy_lanes.add(0)
