"""The Analyse page and what leads to it: keys, files, the way to a clip on the Explore page, verdicts on cards.

Keys of the player and of the results mean the page in front: on the Analyse page they drive both clips in step and
the table of queries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QInputDialog

from core.protocol import Hit, Ranked
from core.protocol import Verdict as VerdictWord
from explorer import exports, formats
from explorer.analysis import Analysis
from explorer.analysis_judging import Judging
from explorer.models.skeleton import Skeleton
from explorer.models.why import Why
from explorer.widgets.analysis_import import KINDS, ImportDialog
from explorer.widgets.analysis_page import AnalysisPage
from explorer.widgets.dialogs import ask_time

if TYPE_CHECKING:
    from explorer.actions import Actions
    from explorer.jobs import Jobs
    from explorer.models.thumbnails import Thumbnails
    from explorer.session import Session
    from explorer.settings import Settings
    from explorer.widgets.main_window import MainWindow

NAME: Final = "analyse"
Run = Callable[[], object]


class AnalysisRoom(QObject):
    """Binds the analysis to the window."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        actions: Actions,
        jobs: Jobs,
        thumbnails: Thumbnails,
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._say = actions.say
        self._client = session.link.client
        self._wanted: tuple[str, Hit] | None = None  # a clip to show once its query is ranked
        self.analysis = Analysis(session, jobs, self)
        self.judging = Judging(session, self)
        whys = (Why(session, self), Why(session, self))
        skeletons = (Skeleton(session, self), Skeleton(session, self))
        self.page = AnalysisPage(
            self._client, thumbnails, settings, self.analysis, self.judging, whys, skeletons
        )
        window.add_page(NAME, self.page)
        self.page.import_asked.connect(self.choose_queries)
        self.page.foreign_asked.connect(self.choose_run_file)
        self.page.table_asked.connect(self.save_table)
        self.page.report_asked.connect(self.choose_report)
        self.analysis.report_written.connect(self._on_report)
        self.page.compare.libraries.aboutToShow.connect(self._offer_libraries)
        self.page.compare.library_asked.connect(self.choose_library)
        self.page.open_asked.connect(self.open_in_explore)
        self.page.query_chosen.connect(window.query_bar.set_query)
        self.page.said.connect(self._say)
        self.analysis.said.connect(self._say)
        self.judging.said.connect(self._say)
        self.judging.changed.connect(lambda _query: self._show_verdicts())
        session.ranking_changed.connect(self._on_ranking)
        session.reopened.connect(self.page.evidence.reload)
        session.reopened.connect(self.page.skeleton.reload)
        window.page_changed.connect(lambda _name: self.page.evidence.duo.pause())

    @property
    def in_front(self) -> bool:
        """Whether the Analyse page is what the person sees."""
        return self._window.page == NAME

    def close(self) -> None:
        """Leave no thread behind."""
        self.page.evidence.close_frames()

    # --- keys ----------------------------------------------------------------------------------------

    def handlers(self, explore: Mapping[str, Run]) -> dict[str, Run]:
        """The functions of all commands, `explore` being those of the Explore page."""
        duo, page = self.page.evidence.duo, self.page
        here: dict[str, Run] = {
            "open_clip": page.play_pair,
            "stop": page.table.setFocus,
            "export": self.save_table,
            "copy_results": self.copy_table,
            "toggle_rerank": page.toolbar.rerank.toggle,
            "play_pause": duo.toggle,
            "pause": duo.pause,
            "slower": lambda: duo.change_speed(-1),
            "faster": lambda: duo.change_speed(1),
            "much_slower": lambda: duo.change_speed(-3),
            "much_faster": lambda: duo.change_speed(3),
            "frame_back": lambda: duo.step(-1),
            "frame_forward": lambda: duo.step(1),
            "span_start": lambda: duo.seek(duo.loop_start_s),
            "span_end": lambda: duo.seek(duo.loop_end_s),
            "mark_in": duo.mark_in,
            "mark_out": duo.mark_out,
            "clear_marks": duo.clear_marks,
            "go_to_time": self.go_to_time,
            "full_screen": self._no_full_screen,
            "toggle_heat": page.evidence.toggle_heat,
            "next_heat": page.evidence.next_heat,
        }
        both = {
            name: partial(self._in_front_of, run, explore[name])
            for name, run in here.items()
            if name in explore
        }
        own: dict[str, Run] = {
            "show_explore": lambda: self._window.show_page("explore"),
            "show_analyse": self.show,
            "evaluate": self.evaluate,
            "choose_case": self.choose_case,
            "next_failure": partial(self.next_failure, 1),
            "previous_failure": partial(self.next_failure, -1),
            "judge_relevant": partial(self.judge, "relevant"),
            "judge_partly": partial(self.judge, "partly"),
            "judge_not": partial(self.judge, "not"),
            "judge_unsure": partial(self.judge, "unsure"),
            "judge_note": self.write_note,
            "undo_judgement": self.judging.undo,
            "redo_judgement": self.judging.redo,
        }
        return {**explore, **both, **own}

    def _in_front_of(self, here: Run, explore: Run) -> object:
        return here() if self.in_front else explore()

    def show(self) -> None:
        """The Analyse page to the front, the keys with its table."""
        self._window.show_page(NAME)
        self.page.table.setFocus()

    def evaluate(self) -> None:
        """Evaluate the chosen queries."""
        self.show()
        if self.page.toolbar.evaluate.isEnabled():
            self.page.toolbar.evaluate.click()
        else:
            self._say(
                "info", "Import queries with known answers first, or wait until the evaluation is done."
            )

    def next_failure(self, step: int) -> None:
        """The next query that failed, or the one before."""
        if self.in_front:
            self.page.next_failure(step)
        else:
            self._say("info", "Failures are listed on the Analyse page (Ctrl+2).")

    def choose_case(self) -> None:
        """The query in front into the report, or out of it."""
        if self.in_front:
            self.page.choose_case()
        else:
            self._say("info", "Queries for the report are chosen on the Analyse page (Ctrl+2).")

    def choose_library(self, path: str = "") -> None:
        """A library whose runs the open one is compared with; its folder is asked for unless given."""
        path = path or QFileDialog.getExistingDirectory(self._window, "The folder of another library")
        if path:
            self.analysis.look_elsewhere(path)

    def _offer_libraries(self) -> None:
        self.page.compare.offer_libraries(self._session.recent_libraries[1:])  # the first one is open

    def go_to_time(self) -> None:
        """Ask for a time of the pair and go there."""
        duo = self.page.evidence.duo
        if duo.hit is not None:
            time_s = ask_time(self._window, *duo.bounds, duo.position_s)
            if time_s is not None:
                duo.seek(time_s)

    def _no_full_screen(self) -> None:
        self._say("info", "Full screen is for one clip: open it in Explore first.")

    # --- judging -------------------------------------------------------------------------------------

    def judge(self, verdict: VerdictWord) -> None:
        """Say it of the clip in front: one of the pair, or the selected card for the query that is shown."""
        if self.in_front:
            self.page.evidence.judge(verdict)
            return
        query, hit = self._card()
        if hit is None:
            self._say("info", "Select a clip first: a judgement says how well it answers the query.")
            return
        held = self.judging.of(query).get(hit.clip_id)
        tags, note = (held.tags, held.note) if held is not None else ((), "")
        self.judging.judge(query, hit.clip_id, verdict, tags=tags, note=note)

    def write_note(self) -> None:
        """A note on the clip in front."""
        if self.in_front:
            self.page.evidence.write_note()
            return
        query, hit = self._card()
        if hit is None:
            self._say("info", "Select a clip first: a note is about a clip and a query.")
            return
        held = self.judging.of(query).get(hit.clip_id)
        text, given = QInputDialog.getText(
            self._window, "Note", f"About this clip for “{query}”", text=held.note if held is not None else ""
        )
        if given:
            verdict: VerdictWord = held.verdict if held is not None else "unsure"
            tags = held.tags if held is not None else ()
            self.judging.judge(query, hit.clip_id, verdict, tags=tags, note=text.strip())

    def _card(self) -> tuple[str, Hit | None]:
        ranked = self._session.ranked
        return ranked.query if ranked is not None else "", self._window.grid.current_hit()

    def _show_verdicts(self) -> None:
        ranked = self._session.ranked
        held = self.judging.of(ranked.query) if ranked is not None else {}
        self._window.grid.show_verdicts({clip_id: one.verdict for clip_id, one in held.items()})

    # --- to the Explore page -------------------------------------------------------------------------

    def open_in_explore(self, query: str, hit: Hit) -> None:
        """Search for the query there and select the clip, wherever it stands."""
        self._wanted = (query, hit)
        self._window.show_page("explore")
        self._window.query_bar.set_query(query)
        self._window.inspector.show()

    def _on_ranking(self, ranked: Ranked | None) -> None:
        self._show_verdicts()
        if ranked is None or self._wanted is None:
            return
        query, hit = self._wanted
        if ranked.query != " ".join(query.split()) and ranked.query != query.strip():
            self._wanted = None
        elif ranked.settled:
            self._wanted = None
            row = self._window.grid.hits.row_of(hit.clip_id)
            if row >= 0:
                self._window.grid.select_row(row)
            else:  # beyond the hits that a search returns
                self._window.inspector.show_hit(hit, query)

    # --- files ---------------------------------------------------------------------------------------

    def choose_queries(self) -> None:
        """Ask for a truth file and show it before it is imported."""
        if not self.analysis.ready:
            self._say("info", "Open a library first: queries are imported into it.")
            return
        path, _ = QFileDialog.getOpenFileName(self._window, "Queries with truth", "", KINDS)
        if path:
            dialog = ImportDialog(self._client, path, self._window)
            dialog.imported.connect(self.analysis.take_sets)
            dialog.exec()

    def choose_run_file(self) -> None:
        """Ask for another system's TREC run and measure it with the chosen queries."""
        path, _ = QFileDialog.getOpenFileName(self._window, "A TREC run file", "", "All files (*)")
        if path:
            self.analysis.evaluate(
                rerank=False, judgements=self.page.toolbar.judged.isChecked(), run_file=path
            )

    def save_table(self) -> None:
        """The table of queries as it is shown, as CSV."""
        if self.analysis.run is None:
            self._say("info", "There is no table to save yet: evaluate first.")
            return
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Save the table of queries", "queries.csv", "CSV (*.csv)"
        )
        if path:
            problem = exports.write_atomically(path, self.page.queries.as_csv())
            self._say("error" if problem else "info", problem or f"Saved to {path}.")

    def choose_report(self) -> None:
        """Ask where the report goes and have it written."""
        run = self.analysis.run
        if run is None:
            self._say("info", "There is no run to report on yet: evaluate first.")
            return
        kinds = "Web page (*.html)"
        path, _ = QFileDialog.getSaveFileName(self._window, "Write the report", "report.html", kinds)
        if path:
            self.analysis.write_report(path if path.lower().endswith((".html", ".htm")) else f"{path}.html")

    def _on_report(self, paths: tuple[str, ...]) -> None:
        page = QUrl.fromLocalFile(paths[0])
        self._window.banners.message.say(
            "info",
            f"The report is in {paths[0]}.",
            "\n".join(paths[1:]),
            action="Open it",
            run=lambda: QDesktopServices.openUrl(page),
        )

    def copy_table(self) -> None:
        """The same to the clipboard."""
        QGuiApplication.clipboard().setText(self.page.queries.as_csv())
        count = formats.count(self.page.queries.rowCount(), "query", "queries")
        self._say("info", f"{count} in the clipboard as CSV.")
