"""A Gradio app as its documentation writes it, for `benchmarks.generation`: MODEL PORT TOKENS. Needs gradio, torch and
transformers.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator


def main(folder: str, port: str, new: str) -> None:
    import gradio  # type: ignore[import-not-found]
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, TextIteratorStreamer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()

    def stream(text: str) -> Iterator[str]:
        streamer = TextIteratorStreamer(tokenizer, skip_prompt=True)
        ids = tokenizer(text, return_tensors="pt")["input_ids"]

        def run() -> None:
            with torch.inference_mode():
                model.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    max_new_tokens=int(new),
                    do_sample=False,
                    streamer=streamer,
                )

        thread = threading.Thread(target=run)
        thread.start()
        said = ""
        for piece in streamer:
            said += piece
            if piece:
                yield said
        thread.join()

    with gradio.Blocks() as page:
        asked, answer = gradio.Textbox(), gradio.Textbox()
        asked.submit(stream, inputs=asked, outputs=answer, api_name="generate")
    page.queue()
    page.launch(server_name="127.0.0.1", server_port=int(port), share=False, quiet=True, max_threads=40)


if __name__ == "__main__":
    main(*sys.argv[1:])
