"""The one place where objects meet: settings, engine, session, window, commands."""

from __future__ import annotations

import signal
from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QMenu

from core.protocol import Hit, LibraryInfo, Ranked
from explorer import empty_states, formats, icons, logs, theme
from explorer.actions import Actions
from explorer.analysis_room import AnalysisRoom
from explorer.arguments import Options
from explorer.commands import Commands
from explorer.engine_client import EngineClient
from explorer.engine_link import EngineLink, EngineView
from explorer.engine_process import EngineProcess
from explorer.jobs import Jobs
from explorer.learning import Learning
from explorer.models.frames import Frames
from explorer.models.heat import Heat
from explorer.models.hits import best_of_each_video
from explorer.models.thumbnails import Thumbnails
from explorer.moments import MomentsTab
from explorer.remarks import Remarks
from explorer.session import Session, place
from explorer.settings import Settings
from explorer.skeleton import SkeletonTab
from explorer.why import WhyTab
from explorer.widgets.main_window import MainWindow
from explorer.widgets.parts import retint
from explorer.widgets.shortcut_sheet import ShortcutSheet


class Explorer(QObject):
    """A running Drivescope window."""

    def __init__(
        self, application: QApplication, options: Options, process: EngineProcess | None = None
    ) -> None:
        super().__init__()
        self._application = application
        self._options = options
        self.settings = Settings(self, keep=not options.screenshot)
        if options.theme:
            self.settings.set("look/theme", options.theme, keep=False)
        if options.screenshot:  # the same picture each time
            self.settings.set("player/autoplay", False, keep=False)
        theme.load_fonts()
        theme.apply(application, self._scheme())
        application.setWindowIcon(icons.app_icon())
        self.client = EngineClient(self)
        self.process = process or EngineProcess(parent=self)
        self.link = EngineLink(self.process, self.client, self)
        self.jobs = Jobs(self)
        self.session = Session(self.link, self.jobs, self.settings, self)
        self.thumbnails = Thumbnails(self.client, self)
        self.frames = Frames(self.client, self)
        self.heat = Heat(self.client, self.settings, self)
        self.window = MainWindow(self.settings, self.jobs, self.thumbnails, self.frames, self.heat)
        self.actions = Actions(self.window, self.session, self.heat, self.settings)
        self.why = WhyTab(self.window, self.session, self.actions, self.thumbnails, self.heat, self.settings)
        self.skeleton = SkeletonTab(self.window, self.session, self.actions, self.settings)
        self.moments = MomentsTab(self.window, self.session, self.actions)
        self.analysis = AnalysisRoom(
            self.window, self.session, self.actions, self.jobs, self.thumbnails, self.settings
        )
        self.learning = Learning(self.window, self.session, self.analysis.judging, self.actions.say)
        self.commands = Commands(self.window, self._handlers(), self.settings)
        self.remarks = Remarks(self.session, self.window.query_bar, self.window.header, self.window.banners)
        self._shown_query = ""
        self._library_place = ("", "")
        self._select_first = False
        self._engine_failed = False
        self._engine_lost = False
        self._wire_session()
        self._wire_window()
        self._wire_settings()
        self._fill_menu()
        self.window.query_bar.explain_keys(self.commands)
        self.commands.keys_changed.connect(self._on_keys_changed)
        self.window.grid.set_columns(int(self.settings.number("look/columns")))
        self.window.grid.set_by_time(self.settings.flag("search/by_time"))
        self._show_recent()
        self._show_empty()

    def start(self) -> None:
        """Show the window at once; the engine comes up behind it."""
        self.window.restore_places(self._options.size)
        self.window.show()
        self.window.query_bar.focus_query()
        recent = [] if self._options.screenshot else self.session.recent_libraries
        path = self._options.library or next(iter(recent), "")
        if self._options.tab:
            self.window.inspector.show_page(self._options.tab)
        if self._options.query:
            self.window.query_bar.set_query(self._options.query)
        if path:
            self.session.open_library(path)
        self.link.start()

    def stop(self) -> None:
        """Leave nothing behind: no process, no thread."""
        if self._options.size is None:
            self.window.remember_places()
        self.settings.save()
        self.window.hide()  # the engine may take a moment to leave; nobody has to watch
        self.link.stop()
        self.thumbnails.close()
        self.frames.close()
        self.analysis.close()

    # --- wiring --------------------------------------------------------------------------------------

    def _wire_session(self) -> None:
        session, link = self.session, self.link
        link.view_changed.connect(self._on_engine_view)
        link.came_up.connect(self._on_engine_up)
        session.library_changed.connect(self._on_library)
        session.opening_changed.connect(self._on_opening)
        session.reopened.connect(self._on_reopened)
        session.searching_changed.connect(self._on_searching)
        session.ranking_changed.connect(self._on_ranking)
        session.said.connect(self.actions.say)
        session.indexed.connect(self._on_indexed)
        session.missing_found.connect(self._on_missing)
        link.went_away.connect(self._on_engine_lost)

    def _wire_window(self) -> None:
        window, session = self.window, self.session
        bar, side = window.query_bar, window.sidebar
        bar.edited.connect(session.cancel_search)
        bar.submitted.connect(self._on_submitted)
        bar.rerank_toggled.connect(self._on_rerank_toggled)
        bar.field.left_down.connect(window.grid.setFocus)
        bar.badge.device_chosen.connect(session.set_device)
        bar.badge.restart_asked.connect(self.link.restart)
        bar.badge.models_asked.connect(self.actions.show_models)
        bar.sidebar_button.clicked.connect(window.toggle_sidebar)
        bar.inspector_button.clicked.connect(window.toggle_inspector)
        side.library_chosen.connect(session.open_library)
        side.footage_asked.connect(self.actions.choose_footage)
        side.library_asked.connect(self.actions.choose_library)
        side.failures_asked.connect(self.actions.show_failures)
        side.filters_changed.connect(session.set_filters)
        window.empty.example_chosen.connect(bar.set_query)
        window.grid.hit_selected.connect(self._on_hit_selected)
        window.grid.hit_opened.connect(self.actions.open_clip)
        window.header.copy_asked.connect(self.actions.copy_results)
        window.header.query_asked.connect(lambda: bar.set_query(bar.text, remember=False))
        window.header.grouped.setChecked(self.settings.flag("search/one_per_video"))
        window.header.grouping_toggled.connect(lambda on: self.settings.set("search/one_per_video", on))
        window.header.by_time.setChecked(self.settings.flag("search/by_time"))
        window.header.time_order_toggled.connect(lambda on: self.settings.set("search/by_time", on))
        window.header.save_asked.connect(self.actions.save_results)
        window.header.clips_asked.connect(self.actions.save_clips)
        window.grid.menu_asked.connect(self.actions.fill_clip_menu)
        window.inspector.said.connect(self.actions.say)
        window.inspector.query_chosen.connect(bar.set_query)
        window.inspector.player.full_screen_asked.connect(self.actions.toggle_full_screen)
        window.paths_dropped.connect(self.actions.take_dropped)
        window.closing.connect(self.stop)

    def _wire_settings(self) -> None:
        actions: dict[str, Callable[[], object]] = {
            "look/theme": self._apply_theme,
            "look/columns": lambda: self.window.grid.set_columns(int(self.settings.number("look/columns"))),
            "search/one_per_video": lambda: self._on_ranking(self.session.ranked),
            "search/by_time": lambda: self.window.grid.set_by_time(self.settings.flag("search/by_time")),
            "search/hits": self.session.search_again,
            "search/joint": self.session.search_again,
            "history/libraries": self._show_recent,
        }
        self.settings.changed.connect(lambda key: actions.get(key, lambda: None)())

    def _on_keys_changed(self) -> None:
        self._fill_menu()
        self.window.query_bar.explain_keys(self.commands)

    def _handlers(self) -> dict[str, Callable[[], object]]:
        """Every command's function; the sheet of commands needs the commands themselves."""
        sheet = {"show_shortcuts": lambda: ShortcutSheet(self.commands, self.window).exec()}
        tabs = {**self.why.handlers(), **self.skeleton.handlers(), **self.moments.handlers()}
        analysis = self.analysis.handlers({**self.actions.handlers(), **tabs})
        return {**analysis, **self.learning.handlers(), **sheet}

    def _fill_menu(self) -> None:
        menu = QMenu(self.window)
        groups = (
            ("add_folder", "open_library", "show_failures", "show_models"),
            ("toggle_joint", "toggle_theme", "show_settings", "show_shortcuts"),
            ("quit",),
        )
        for group in groups:
            for name in group:
                action = self.commands.action(name)
                action.setText(self.commands.menu_text(name))
                menu.addAction(action)
            menu.addSeparator()
        self.window.query_bar.menu_button.setMenu(menu)

    # --- what the session says -----------------------------------------------------------------------

    def _on_engine_view(self, view: EngineView) -> None:
        self.window.query_bar.badge.show_view(view)
        self._show_empty()
        banner = self.window.banners.message
        if view.status == "failed":
            run = self.link.start if view.gave_up else self.link.restart
            banner.say("error", view.detail, view.log, action="Start the engine again", run=run)
            self._engine_failed = True
        elif self._engine_failed:
            self._engine_failed = False
            banner.hide()

    def _on_engine_lost(self, _sentence: str, _detail: str) -> None:
        self._engine_lost = True
        self.thumbnails.forget_waiting()

    def _on_engine_up(self) -> None:
        if self._engine_lost:
            self._engine_lost = False
            self.actions.say("info", "The engine is back; the library and the query open again.")

    def _on_reopened(self) -> None:
        self.thumbnails.forget_waiting()
        self.window.grid.viewport().update()  # cards without a picture ask for it again
        self.window.inspector.reload()

    def _on_library(self, library: LibraryInfo | None) -> None:
        self.window.sidebar.show_library(library)
        self.window.inspector.show_library(library, demo=self.session.is_demo)
        if library is not None:
            self.window.setWindowTitle(f"{library.name} – Drivescope")
            if place(library) != self._library_place:
                self._library_place = place(library)
                self.thumbnails.clear()
                self.window.inspector.reload()
            self.window.banners.show_library_notes(library.path, library.notes)
        self._show_recent()
        self._show_empty()

    def _on_opening(self, path: str) -> None:
        self.window.sidebar.show_opening(path)
        self._show_empty()

    def _on_searching(self, searching: bool) -> None:
        if self.session.ranked is None:
            self._show_empty()
        elif not searching:
            self._show_counts(self.session.ranked, waiting=False)

    def _on_ranking(self, ranked: Ranked | None) -> None:
        if ranked is None:
            self._shown_query = ""
            self.window.grid.show_ranking((), same_query=False)
            self.window.inspector.show_hit(None)
            self._show_empty()
            return
        same = bool(ranked.query) and ranked.query == self._shown_query
        self._shown_query = ranked.query
        self._show_counts(ranked, waiting=not ranked.settled)
        self.window.show_results(there=bool(ranked.hits))
        keep = same or not self._select_first  # what was only typed leaves the chosen clip alone
        grouped = self.settings.flag("search/one_per_video")
        hits, more = best_of_each_video(ranked.hits) if grouped else (ranked.hits, {})
        self.window.grid.show_ranking(
            hits, same_query=same, keep_selected=keep, more=more, likely=ranked.likely
        )
        if ranked.settled and self._select_first:
            self._select_first = False
            self.window.grid.select_best()
        if not ranked.hits:
            self.window.inspector.show_hit(None)
            self._show_empty()

    def _show_counts(self, ranked: Ranked, *, waiting: bool) -> None:
        grouped = self.settings.flag("search/one_per_video")
        videos = len({hit.video_id for hit in ranked.hits}) if grouped else 0
        like = self.session.like
        self.window.header.show_ranking(ranked, waiting=waiting, videos=videos, like=like)

    def _on_indexed(self, sentence: str, failed: bool) -> None:
        if failed:
            show = self.actions.show_failures
            self.window.banners.message.say("note", sentence, action="Show the files", run=show)
        else:
            self.actions.say("info", sentence)

    def _on_missing(self, names: tuple[str, ...]) -> None:
        verb = "is" if len(names) == 1 else "are"
        sentence = f"{formats.count(len(names), 'video')} of this library {verb} gone from the disk."
        self.window.banners.message.say(
            "note", sentence, "\n".join(names), action="Forget them", run=self.session.forget_missing
        )

    def _show_recent(self) -> None:
        recent = self.session.recent_libraries
        library = self.session.library
        opened = recent[0] if library is not None and recent else ""
        self.window.sidebar.show_recent(recent, opened)

    # --- what the person does ------------------------------------------------------------------------

    def _on_submitted(self, text: str) -> None:
        self.window.show_page("explore")
        self._select_first = self.window.query_bar.entered and bool(text)
        self.session.search(text)

    def _on_hit_selected(self, hit: Hit | None) -> None:
        if hit is None and self._select_first:
            return  # the best clip of the query that runs will take the place of this one
        self.window.inspector.show_hit(hit, self._shown_query)
        if hit is not None:
            self.window.query_bar.remember()

    def _on_rerank_toggled(self, on: bool) -> None:
        self.settings.set("search/rerank", on)
        self.session.search_again()

    # --- looks ---------------------------------------------------------------------------------------

    def _scheme(self) -> theme.Scheme:
        return "light" if self.settings.text("look/theme") == "light" else "dark"

    def _apply_theme(self) -> None:
        theme.apply(self._application, self._scheme())
        retint(self.window)
        self.window.query_bar.retint()
        self.window.query_bar.badge.retint()
        self.window.empty.retint()
        self.window.inspector.retint()
        self.analysis.page.retint()

    def _show_empty(self) -> None:
        """The empty state that fits; results in front of it are left alone."""
        view = empty_states.choose(self.session, self.actions.choose_footage)
        self.window.empty.show_view(view)
        ranked = self.session.ranked
        if ranked is None or not ranked.hits:
            self.window.show_results(there=False)


def run(application: QApplication, options: Options) -> int:
    """Run the window until it is closed. The exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C in the terminal ends the window; the engine follows
    defects = logs.Defects()
    logs.install(defects)
    explorer = Explorer(application, options)
    defects.defect_found.connect(lambda sentence, detail: explorer.actions.say("error", sentence, detail))
    if options.screenshot:
        from explorer.screenshot import Photographer  # only when a picture is wanted

        photographer = Photographer(explorer, options.screenshot)
        photographer.left.connect(application.exit)
        photographer.start()
    explorer.start()
    return application.exec()
