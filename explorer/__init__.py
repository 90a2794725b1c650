"""The window of Drivescope: a PySide6 process that talks to the engine over one WebSocket."""
