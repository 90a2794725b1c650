"""Qt item models and caches: what the widgets show, without a widget."""
