"""Known differences from real model servers, and decisions made without knowing them. Shown in COVERAGE.md."""

from __future__ import annotations

DIFFERENCES = (
    (
        "`extractive-stand-in` is no language model: it quotes the sentence of the numbered passages that shares most words with "
        "the question, or says what the instructions want for an answer that is not there. It is deterministic: temperature, "
        "top_p and seed are accepted and change nothing. `leading-stand-in` quotes the first sentence of the first passage, to have a worse one to "
        "compare with."
    ),
    (
        "`smollm2-135m-instruct` is a language model, served beside these if the server is started with `--models.generator smollm2`: "
        "SmolLM2-135M-Instruct in 4 bits, run by llama.cpp, from files that `make generator` installs. Its temperature is 0 unless a request "
        "names one (OpenAI's is 1), its context at most 8192 tokens, a multiple of 256. It answers one request after the other."
    ),
    "Tokens of the other models are counted by four letters of a word or one other character, in place of a tokenizer.",
    (
        "`multilingual-e5-small` in 4 bits embeds, on Linux x86-64; elsewhere the call is refused with 501. `query: ` or `passage: ` "
        "in front of a text says what it is; without either it is a passage. More than 512 tokens are refused. No `dimensions`."
    ),
    "No streaming, tools, images, logprobs, JSON formats or several choices: each is refused by name.",
    "The write log has every paid call: of embeddings the first digits of each text's SHA-256, of completions the model.",
    (
        "Databricks' routes lie on the same port: `/serving-endpoints/NAME/invocations` takes what the compatible ones take, and NAME is the "
        "model. Inputs of custom models (`inputs`, `instances`, `dataframe_split`), traffic splits, and the API that makes "
        "endpoints are not imitated; the one that shows their state (READY, or the update that they are in) is. Endpoints do not scale to "
        "zero by themselves: a start is told by `--models.start.seconds`."
    ),
    (
        "Wrong answers are faults (`invented-citation`, `misquotation`, `obedience`, `cut-off`, `empty`, `outside-knowledge`), so "
        "that checks of answers have something to find. Rate limits and quota come only from faults, cold starts also from `start`."
    ),
    (
        "Requests with an `Origin` or Fetch Metadata of a web page are refused with 403, and those for another host than loopback "
        "with 421."
    ),
)
