"""What all connections of one engine share: the loaded bundles, the device, the threads, the status.

`torch` and everything that needs it is imported in the model thread, after the port is announced: the window
can connect, open and be used while the models warm up.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable
from importlib import metadata
from typing import TYPE_CHECKING, TypeVar

from core.engine.workers import Workers
from core.protocol import EngineStatus, Models, State

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle

log = logging.getLogger(__name__)
T = TypeVar("T")
Listener = Callable[[State], None]


def version() -> str:
    """Drivescope's own; "0" when it runs from a checkout that was never installed."""
    try:
        return metadata.version("drivescope")
    except metadata.PackageNotFoundError:
        return "0"


class Host:
    """Shared by every session of the engine.

    `listeners` are called with every new `State`, from whichever thread caused it.
    """

    def __init__(self, device: str = "auto") -> None:
        self.workers = Workers()
        self.listeners: set[Listener] = set()
        self._device = device
        self._bundles: dict[str, ModelBundle] = {}
        self._lock = threading.RLock()  # of the state: what is told last must be what holds
        self._busy = 0
        self._threads = 0  # OpenMP threads of the model thread when it has the cores for itself
        self.state = State(status="starting", detail="The models are being loaded.")

    # --- status ---------------------------------------------------------------------------------------

    def publish(self, status: EngineStatus, detail: str = "", bundle: ModelBundle | None = None) -> None:
        """Make this the engine's state and tell every connection."""
        with self._lock:
            known = self.state
            state = State(
                status=status,
                device=bundle.device.type if bundle else known.device,
                precision=bundle.precision if bundle else known.precision,
                bundle=bundle.spec.name if bundle else known.bundle,
                detail=detail,
                devices=known.devices,
            )
            if state == known:
                return
            self.state = state
            for listener in tuple(self.listeners):
                listener(state)

    def busy(self, step: int, detail: str = "") -> None:
        """Count long work (+1 begins, -1 ends); the state follows. Queries do not count: they are too short."""
        with self._lock:
            self._busy += step
            if self.state.status != "failed":
                self.publish("busy" if self._busy else "warm", detail)

    # --- models ---------------------------------------------------------------------------------------

    def warm_up(self, name: str = "") -> None:
        """Load the default bundle. Runs in the model thread at start; a failure becomes the state."""
        from core.models.device import available_devices

        self.state = State(status="starting", detail=self.state.detail, devices=tuple(available_devices()))
        try:
            self.bundle(name)
        except Exception as error:
            log.exception("the default bundle could not be loaded")
            self.publish(
                "failed", getattr(error, "sentence", "The models could not be loaded; the log says why.")
            )

    def bundle(self, name: str = "", crop: str = "") -> ModelBundle:
        """The loaded bundle of that name (empty: the default), loading it if need be. Model thread only."""
        from core.models.registry import DEFAULT_BUNDLE, load_bundle

        self.share_cores()
        name = name or DEFAULT_BUNDLE
        key = f"{name}|{crop}"
        if key not in self._bundles:
            self.publish("starting", f"The bundle {name} is being loaded.")
            try:
                bundle = load_bundle(name, device=self._device, crop=crop or None)
                bundle.selftest()
            except Exception:
                # what was loaded before is still good; the caller reports the failure of this bundle
                self.publish("warm" if self._bundles else "failed", f"The bundle {name} could not be loaded.")
                raise
            self._bundles[key] = bundle
        with self._lock:
            self.publish("busy" if self._busy else "warm", "", self._bundles[key])
        return self._bundles[key]

    def share_cores(self) -> None:
        """One core for the calling thread's arithmetic while footage is indexed, all of them otherwise.

        A team of threads waits for its slowest: with a worker on every core, a text forward on two threads took
        2 s where one thread took 34 ms.
        """
        import torch

        self._threads = self._threads or torch.get_num_threads()
        torch.set_num_threads(1 if self._busy else self._threads)

    def set_device(self, device: str) -> None:
        """Use another device from now on: every bundle is loaded anew when next asked for. Model thread only."""
        from core.models.device import choose_device

        choose_device(device)  # refuses what this machine lacks, before anything is let go
        self._device = device
        self.forget_bundles()

    def forget_bundles(self) -> None:
        """Let go of every loaded bundle and of the device memory it held. Model thread only."""
        import torch

        self._bundles.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def with_device_fallback(self, work: Callable[[], T]) -> T:
        """Run `work`; if the device ran out of memory or was lost, do it again on the CPU and say so.

        Model thread only. `work` must ask `bundle()` for its models itself, so that the second run gets new ones.
        """
        import torch

        try:
            return work()
        except RuntimeError as error:  # torch.OutOfMemoryError is one
            no_memory = isinstance(error, torch.OutOfMemoryError)
            if self._device == "cpu" or not (no_memory or "CUDA" in str(error)):
                raise
            reason = "ran out of memory" if no_memory else "was lost"
            log.warning("the device failed, going on with the CPU", exc_info=error)
        self.set_device("cpu")
        result = work()
        self.publish(self.state.status, f"The graphics device {reason}; the engine goes on with the CPU.")
        return result

    def models(self, request_id: int) -> Models:
        """The models page."""
        from core.models.registry import available_bundles

        return Models(id=request_id, models=tuple(available_bundles()))
