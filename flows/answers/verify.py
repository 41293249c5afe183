"""`answers verify`: whether a knowledge base holds exactly what its documents say. Changes nothing."""

from __future__ import annotations

from pathlib import Path

from flows.answers.engine import ANSWERS
from flows.answers.holders import holder_of
from flows.answers.options import DocumentsOptions
from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from tasks.answers.chunks import read_chunks
from tasks.answers.knowledge import NoKnowledgeBase
from tasks.plurals import counted


@engine_flow(ANSWERS, "verify", run_name="verify {name} on {target}")
def verify_documents(options: DocumentsOptions) -> Report:
    """Compare what is served with the documents: missing, stale, orphaned and unembedded passages fail it.

    Documents are cut as the served version was. Changes nothing.

    Example:
        vector-search answers verify --name handbook --documents handbook --target sandbox
    """
    holder = holder_of(options.engine)
    settings = holder.engine.settings(options.target)
    with reporting("answers verify", options.name, options.target, holder.engine.where(settings)) as report:
        with report.step("what is served") as step:
            base = holder.read(settings, options.name)
            if base is None:
                raise NoKnowledgeBase(options.name, engine=options.engine)
            step.saw(
                f"{base.index}: {counted(base.chunks, 'passage')} of {counted(base.documents, 'document')}"
            )
            step.saw(f"cut by {base.cut_by}")
            step.saw(f"embedded by {base.embedded_by}")
        with report.step("read the documents") as step:
            chunks = read_chunks(Path(options.documents), base.splitting)
            step.saw(f"{counted(chunks.documents, 'document')}, {counted(len(chunks.chunks), 'chunk')}")
        with report.step("compare them") as step:
            found = holder.verify(settings, base, chunks.chunks)
            step.saw(str(found))
            if found.unseen:
                step.saw(found.unseen)
        report.facts |= {"passages": found.found, "repeated": found.repeated, "differences": found.counts}
    return report
