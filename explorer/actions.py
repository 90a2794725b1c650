"""What a person can do, one function each; the command table, the menus and the buttons call them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu

from core.protocol import ClipToSave, Hit
from explorer import exports, formats
from explorer.models.heat import Heat
from explorer.session import Session
from explorer.settings import Settings
from explorer.widgets.dialogs import FailuresDialog, SettingsDialog, ask_count, ask_time
from explorer.widgets.main_window import MainWindow
from explorer.widgets.models_dialog import ModelsDialog

_FEWEST_COLUMNS, _MOST_COLUMNS = 2, 8
_CLIPS_TO_SAVE = 20


class Actions(QObject):
    """Everything that happens on a key, a click or a drop."""

    def __init__(self, window: MainWindow, session: Session, heat: Heat, settings: Settings) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._heat = heat
        self._settings = settings

    def handlers(self) -> dict[str, Callable[[], object]]:
        """The function of each command of the table, except those that need the table itself."""
        window = self._window
        bar, playback = window.query_bar, window.inspector.player.playback
        return {
            "focus_query": bar.focus_query,
            "history_back": bar.go_back,
            "history_forward": bar.go_forward,
            "toggle_rerank": bar.rerank_button.toggle,
            "stop": self.stop_or_leave,
            "open_clip": lambda: self.open_clip(window.grid.current_hit()),
            "export": self.save_results,
            "save_clips": self.save_clips,
            "copy_results": lambda: self.copy_results("csv"),
            "find_similar": lambda: self.find_similar(window.grid.current_hit()),
            "toggle_grouped": window.header.grouped.toggle,
            "toggle_by_time": window.header.by_time.toggle,
            "more_columns": lambda: self.change_columns(1),
            "fewer_columns": lambda: self.change_columns(-1),
            "play_pause": playback.toggle,
            "pause": playback.pause,
            "slower": lambda: playback.change_speed(-1),
            "faster": lambda: playback.change_speed(1),
            "much_slower": lambda: playback.change_speed(-3),
            "much_faster": lambda: playback.change_speed(3),
            "frame_back": lambda: playback.step(-1),
            "frame_forward": lambda: playback.step(1),
            "span_start": lambda: playback.seek(playback.loop_start_s),
            "span_end": lambda: playback.seek(playback.loop_end_s),
            "mark_in": playback.mark_in,
            "mark_out": playback.mark_out,
            "clear_marks": playback.clear_marks,
            "go_to_time": self.go_to_time,
            "full_screen": self.toggle_full_screen,
            "toggle_heat": self.toggle_heat,
            "next_heat": self.next_heat,
            "more_heat": lambda: self._heat.change_opacity(1),
            "less_heat": lambda: self._heat.change_opacity(-1),
            "add_folder": self.choose_footage,
            "open_library": self.choose_library,
            "show_failures": self.show_failures,
            "show_models": self.show_models,
            "toggle_sidebar": window.toggle_sidebar,
            "toggle_inspector": window.toggle_inspector,
            "toggle_theme": self.toggle_theme,
            "show_settings": lambda: SettingsDialog(self._settings, window).exec(),
            "quit": window.close,
        }

    def say(self, level: str, sentence: str, detail: str = "") -> None:
        """A sentence in the message bar."""
        self._window.banners.message.say(level, sentence, detail)

    # --- results -------------------------------------------------------------------------------------

    def open_clip(self, hit: Hit | None) -> None:
        """Play a clip and give the keys to the player; without one, choose the best."""
        if hit is None:
            self._window.grid.select_best()
            return
        self._window.inspector.show()
        player = self._window.inspector.player
        if not player.playback.playing:
            player.playback.toggle()
        player.setFocus()

    def find_similar(self, hit: Hit | None) -> None:
        """Clips like this one, in its place and playing on."""
        if hit is None:
            self.say("info", "Select a clip first: others like it are looked for.")
        else:
            self._window.show_page("explore")
            self._session.search_like(hit)

    def copy_results(self, form: str) -> None:
        """The ranking to the clipboard, as "csv" or "json"."""
        ranked = self._session.ranked
        if ranked is None:
            self.say("info", "There are no results to copy yet.")
            return
        text = exports.as_csv(ranked) if form == "csv" else exports.as_json(ranked)
        QGuiApplication.clipboard().setText(text)
        self.say("info", f"{formats.count(len(ranked.hits), 'result')} in the clipboard as {form.upper()}.")

    def save_results(self) -> None:
        """The ranking to a file; its ending decides between CSV and JSON."""
        ranked = self._session.ranked
        if ranked is None:
            self.say("info", "There are no results to save yet.")
            return
        kinds = "CSV (*.csv);;JSON (*.json)"
        path, _ = QFileDialog.getSaveFileName(self._window, "Save the results", "results.csv", kinds)
        if path:
            text = exports.as_json(ranked) if path.lower().endswith(".json") else exports.as_csv(ranked)
            problem = exports.write_atomically(path, text)
            self.say("error" if problem else "info", problem or f"Saved to {path}.")

    def save_clips(self) -> None:
        """The best clips as video files, as many as asked for."""
        hits = self._window.grid.hits.ranking
        if not hits:
            self.say("info", "There are no clips to save yet.")
            return
        count = ask_count(self._window, min(_CLIPS_TO_SAVE, len(hits)), len(hits))
        if count:
            self._save_clips(hits[:count])

    def _save_clips(self, hits: Sequence[Hit]) -> None:
        folder = QFileDialog.getExistingDirectory(self._window, "Choose a folder for the clips")
        if folder:
            self._session.save_clips(folder, [ClipToSave(hit.rank, hit.clip_id) for hit in hits])

    def fill_clip_menu(self, hit: Hit, menu: QMenu) -> None:
        """What a card's menu has of this."""
        menu.addAction("Find similar clips").triggered.connect(lambda: self.find_similar(hit))
        only = menu.addAction("Search only this video")
        only.triggered.connect(lambda: self._window.sidebar.videos.choose((hit.video_id,)))
        menu.addAction("Save this clip as a video…").triggered.connect(lambda: self._save_clips([hit]))

    def stop_or_leave(self) -> None:
        """Out of full screen; else stop the query; else from the text field to the results."""
        if self._window.player_is_full:
            self._window.toggle_full_screen()
        elif self._session.searching:
            self._session.cancel_search()
        else:
            self._window.grid.setFocus()

    # --- player --------------------------------------------------------------------------------------

    def toggle_full_screen(self) -> None:
        """The player in full screen, if there is something to play; or back."""
        if self._window.player_is_full or self._window.inspector.player.playback.hit is not None:
            self._window.toggle_full_screen()

    def toggle_heat(self) -> None:
        """The heatmap on or off; without a clip there is nothing that it could lie on."""
        if self._window.inspector.player.playback.hit is None:
            self.say("info", "Select a clip first: a heatmap shows where in it the query is.")
            return
        self._window.inspector.show()
        self._heat.toggle()

    def next_heat(self) -> None:
        """Another method; the heatmap comes on if it was off."""
        if not self._heat.on:
            self.toggle_heat()
        else:
            self._heat.next_method()

    def go_to_time(self) -> None:
        """Ask for a time of the file and go there."""
        playback = self._window.inspector.player.playback
        if playback.hit is not None:
            time_s = ask_time(self._window, playback.hit.start_s, playback.hit.end_s, playback.position_s)
            if time_s is not None:
                playback.seek(time_s)

    # --- library -------------------------------------------------------------------------------------

    def choose_footage(self) -> None:
        """Ask for a folder and index it."""
        path = QFileDialog.getExistingDirectory(self._window, "Add a folder of footage")
        if path:
            self._session.add_footage((path,))

    def choose_library(self) -> None:
        """Ask for a library folder; an empty one becomes a new library."""
        path = QFileDialog.getExistingDirectory(self._window, "Open a library folder, or choose an empty one")
        if path:
            self._session.open_library(path, create=True)

    def take_dropped(self, paths: tuple[str, ...]) -> None:
        """A library folder is opened, anything else is footage."""
        if len(paths) == 1 and (Path(paths[0]) / "library.db").is_file():
            self._session.open_library(paths[0])
        else:
            self._session.add_footage(paths)

    def show_failures(self) -> None:
        """The files that could not be read, with their reasons."""
        library = self._session.library
        if library is not None and library.failures:
            FailuresDialog(library.failures, self._window).exec()
        else:
            self.say("info", "Every file of this library could be read.")

    def show_models(self) -> None:
        """The models page."""
        ModelsDialog(self._session.link.client, self._settings, self._window).exec()

    # --- looks ---------------------------------------------------------------------------------------

    def change_columns(self, step: int) -> None:
        """More columns of results, or fewer."""
        columns = int(self._settings.number("look/columns")) + step
        if _FEWEST_COLUMNS <= columns <= _MOST_COLUMNS:
            self._settings.set("look/columns", columns)

    def toggle_theme(self) -> None:
        """Dark becomes light, light becomes dark."""
        dark = self._settings.text("look/theme") == "dark"
        self._settings.set("look/theme", "light" if dark else "dark")
