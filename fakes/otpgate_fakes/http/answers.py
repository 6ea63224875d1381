"""Answers in the form the description asks for: a success it recognises, and refusals it does not take for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_contracts import answers
from otpgate_contracts.answers import Answer, NoAnswer
from otpgate_fakes.core.fake import Reply, Request
from otpgate_fakes.http.example import description_of

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow, Pack
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation, Send
    from otpgate_fakes.core.store import Message

BAD_REQUEST = 400


class Answering:
    """Answers of one gateway. The answer to a send is made once; only its id differs."""

    def __init__(self, pack: Pack) -> None:
        self.about = description_of(pack)
        self.shape = 0
        self.made: Answer | None = None
        self.sample = answers.SAMPLE_IDS[0]
        self.problem = ""
        try:
            self.made, self.sample = answers.success(self.about, answers.SAMPLE_IDS)
        except NoAnswer as impossible:
            self.problem = str(impossible)
        if self.sample in answers.SAMPLE_IDS:
            self.shape = answers.SAMPLE_IDS.index(self.sample)

    def new_id(self, context: Context, send: Send) -> str:
        """An id that the answer can tell and the description finds again."""
        ids = context.ids
        return (ids.uuid, lambda: ids.digits(12), lambda: ids.hex(16))[self.shape]() if self.sample in answers.SAMPLE_IDS else self.sample

    def sent(self, context: Context, request: Request, messages: list[Message]) -> Reply:
        if self.made is None:
            context.note(self.problem)
            return reply(answers.failure(self.about, 500, "undescribed", "no answer fits the description"))
        made, old, new = self.made, self.sample, messages[0].provider_id
        headers = tuple((name, value.replace(old, new)) for name, value in made.headers)
        return Reply(made.status, made.body.replace(old.encode(), new.encode()), made.content_type, headers)

    def error(
        self, context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
    ) -> Reply:
        """The refusal of a row; one inside a successful answer has the status of a success."""
        words = (row.message or row.title).replace("{parameter}", detail.get("parameter") or "body")
        status = row.http or BAD_REQUEST
        if row.phase == "body":
            status = self.about.status[0] if self.about.status else 200
        return reply(answers.failure(self.about, status, row.code, words))

    def unknown_path(self, context: Context, request: Request) -> Reply:
        context.refuse(reason="resource_missing")


def reply(answer: Answer) -> Reply:
    return Reply(answer.status, answer.body, answer.content_type, answer.headers)
