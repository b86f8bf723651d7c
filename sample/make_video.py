"""Make the talk on the SHA-RNN page: media/sha-rnn.mp4, its captions and its still picture.

Needs the programs `ffmpeg` (with libx264) and `espeak-ng`, the package Pillow (no other; it is not part of the site's
environment) and the Liberation fonts (Debian: fonts-liberation2). From the root of the project:

    python3 -m venv /tmp/video && /tmp/video/bin/pip install pillow
    /tmp/video/bin/python sample/make_video.py

Each clause of the talk (video_scenes.py) is spoken on its own; the length of the sound decides how long its drawing
lasts and when its caption is shown, so picture, voice and captions cannot drift apart. Takes two to three minutes.
With `--still SECOND FILE` it only writes one frame, for looking at while drawing.
"""

from __future__ import annotations

import array
import subprocess
import sys
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

from video_scenes import SCENES, Clause, Moment, draw

WIDTH, HEIGHT, FPS = 1280, 720, 25
VOICE = ["espeak-ng", "-v", "en-gb", "-s", "158", "-p", "38", "-a", "120"]
LEAD, BETWEEN_CLAUSES, BETWEEN_SCENES, TAIL = 0.6, 0.28, 0.75, 1.4  # seconds of silence
QUIET = 200  # samples below this (of 32768) at the ends of a clause are cut off
STILL_AT = ("look back", 0.85)  # which clause, and how far into it, the still picture shows
MEDIA = Path(__file__).parent / "media"


@dataclass(frozen=True)
class Spoken:
    scene: int
    clause: Clause
    start: float
    end: float


def speak(text: str) -> tuple[array.array[int], int]:
    """16-bit mono samples of `text` without the silence at both ends, and their rate."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run([*VOICE, "-w", file.name, text], check=True)
        with wave.open(file.name) as sound:
            if (sound.getnchannels(), sound.getsampwidth()) != (1, 2):
                raise SystemExit("espeak-ng wrote something else than 16-bit mono sound")
            samples, rate = array.array("h", sound.readframes(sound.getnframes())), sound.getframerate()
    loud = [i for i, sample in enumerate(samples) if abs(sample) > QUIET]
    if not loud:
        raise SystemExit(f"espeak-ng was silent on: {text}")
    margin = rate // 100
    return samples[max(0, loud[0] - margin) : loud[-1] + margin], rate


def record(path: Path) -> tuple[list[Spoken], float]:
    """Write the whole talk as a WAV file; returns when each clause is spoken, and the length in seconds."""
    track: array.array[int] = array.array("h")
    timeline: list[Spoken] = []
    rate = 0

    def silence(seconds: float) -> None:
        track.extend([0] * round(seconds * rate))

    for number, scene in enumerate(SCENES):
        for place, clause in enumerate(scene):
            samples, rate = speak(clause.say or clause.text)
            silence(BETWEEN_CLAUSES if place else BETWEEN_SCENES if number else LEAD)
            start = len(track) / rate
            track.extend(samples)
            timeline.append(Spoken(number, clause, start, len(track) / rate))
    silence(TAIL)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(track.tobytes())
    return timeline, len(track) / rate


def captions(timeline: list[Spoken]) -> str:
    """The talk as WebVTT: a cue for each clause, on screen until shortly before the next."""

    def stamp(seconds: float) -> str:
        minutes, rest = divmod(round(seconds * 1000), 60_000)
        return f"00:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"

    lines = ["WEBVTT", ""]
    for spoken in timeline:
        lines += [f"{stamp(spoken.start)} --> {stamp(spoken.end + 0.2)}", *two_lines(spoken.clause.text), ""]
    return "\n".join(lines)


def two_lines(text: str, longest: int = 42) -> list[str]:
    """`text` as one line, or broken at the blank nearest to its middle."""
    if len(text) <= longest:
        return [text]
    cut = min((i for i, c in enumerate(text) if c == " "), key=lambda i: abs(i - len(text) // 2))
    return [text[:cut], text[cut + 1 :]]


def moment(timeline: list[Spoken], length: float, seconds: float) -> Moment:
    """What is to be seen at `seconds`: the scene, and for each of its clauses how long ago it began."""
    starts = [next(s.start for s in timeline if s.scene == n) - BETWEEN_SCENES / 2 for n in range(len(SCENES))]
    scene = max(n for n in range(len(SCENES)) if n == 0 or seconds >= starts[n])
    begin = starts[scene] if scene else 0.0
    end = starts[scene + 1] if scene + 1 < len(SCENES) else length
    clauses = [s for s in timeline if s.scene == scene]
    return Moment(
        scene=scene,
        since_start=seconds - begin,
        until_end=end - seconds,
        since=[seconds - s.start for s in clauses],
        lasts=[s.end - s.start for s in clauses],
        progress=seconds / length,
    )


def encode(timeline: list[Spoken], length: float, sound: Path, target: Path) -> None:
    command = [
        *("ffmpeg", "-loglevel", "error", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "-"),
        *("-i", str(sound)),
        *("-af", "highpass=f=90,lowpass=f=7500,loudnorm=I=-18:TP=-2,aresample=44100"),
        *("-c:v", "libx264", "-preset", "slow", "-crf", "25", "-tune", "animation", "-pix_fmt", "yuv420p"),
        *("-colorspace", "bt709", "-vf", "scale=out_color_matrix=bt709:out_range=tv", "-g", str(FPS * 4)),
        *("-c:a", "aac", "-b:a", "80k", "-ac", "1", "-movflags", "+faststart", "-shortest", str(target)),
    ]
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert encoder.stdin is not None
    for frame in range(round(length * FPS)):
        encoder.stdin.write(draw(moment(timeline, length, frame / FPS)).tobytes())
        if frame % (10 * FPS) == 0:
            sys.stderr.write(f"{frame / FPS:.0f} of {length:.0f} s drawn\n")
    encoder.stdin.close()
    if encoder.wait():
        raise SystemExit("ffmpeg failed; its complaint stands above")


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder, "talk.wav")
        timeline, length = record(sound)
        if arguments[:1] == ["--still"]:
            second, file = arguments[1:]
            draw(moment(timeline, length, float(second))).save(file)
            return
        MEDIA.mkdir(exist_ok=True)
        (MEDIA / "sha-rnn.en.vtt").write_text(captions(timeline), encoding="utf-8")
        shown = next(s for s in timeline if STILL_AT[0] in s.clause.text)
        second = shown.start + STILL_AT[1] * (shown.end - shown.start)
        draw(moment(timeline, length, second)).save(MEDIA / "sha-rnn-poster.webp", quality=82, method=6)
        encode(timeline, length, sound, MEDIA / "sha-rnn.mp4")
    for path in sorted(MEDIA.glob("sha-rnn*")):
        sys.stderr.write(f"{path} {path.stat().st_size / 1000:.0f} kB\n")
    sys.stderr.write(f"{length:.1f} s\n")


if __name__ == "__main__":
    main(sys.argv[1:])
