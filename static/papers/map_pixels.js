// Thousands of small marks, quickly: each kind is drawn once by the canvas, then its pixels are laid into a picture here.
// On a canvas without a GPU this takes a tenth of the time of as many drawImage calls; with one it is as quick.

const OPAQUE = 256;

/** The pixels of a mark that are not empty, their place from the mark's middle, colour (opaque) and alpha (0 to 256). */
export class Sprite {
  /** `paint(context, x, y)` draws the mark around a place. `strength` (0 to 1) makes it fainter. */
  constructor(radius, paint, strength = 1) {
    this.reach = Math.ceil(radius) + 1;
    const size = 2 * this.reach + 1;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = size;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    paint(context, this.reach + 0.5, this.reach + 0.5);
    const pixels = new Uint32Array(context.getImageData(0, 0, size, size).data.buffer);
    const kept = [...pixels.keys()].filter((n) => pixels[n] >>> 24 > 0);
    this.dx = Int16Array.from(kept, (n) => (n % size) - this.reach);
    this.dy = Int16Array.from(kept, (n) => Math.floor(n / size) - this.reach);
    this.colour = Uint32Array.from(kept, (n) => pixels[n] | 0xff000000);
    this.alpha = Uint16Array.from(kept, (n) => Math.round(((pixels[n] >>> 24) / 255) * OPAQUE * strength));
    this.steps = new Int32Array(kept.length);
    this.stepsFor = -1;
  }

  /** How far each pixel is from the middle in a picture of this width. */
  stepsIn(width) {
    if (this.stepsFor !== width) {
      for (let n = 0; n < this.steps.length; n++) this.steps[n] = this.dy[n] * width + this.dx[n];
      this.stepsFor = width;
    }
    return this.steps;
  }
}

/** An opaque picture of device pixels. */
export class Picture {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.data = new ImageData(width, height);
    this.pixels = new Uint32Array(this.data.data.buffer);
  }

  clear(colour) {
    this.pixels.fill(colour);
  }

  put(sprite, x, y) {
    const { pixels, width, height } = this;
    const { reach, colour, alpha, dx, dy } = sprite;
    const steps = sprite.stepsIn(width);
    const middle = y * width + x;
    const whole = x >= reach && y >= reach && x < width - reach && y < height - reach;
    for (let n = 0; n < steps.length; n++) {
      if (!whole) {
        const px = x + dx[n];
        const py = y + dy[n];
        if (px < 0 || py < 0 || px >= width || py >= height) continue;
      }
      const at = middle + steps[n];
      const a = alpha[n];
      if (a === OPAQUE) {
        pixels[at] = colour[n];
        continue;
      }
      // Red and blue together, then green: what is there, moved towards the mark's colour by alpha.
      const below = pixels[at];
      const rb = below & 0xff00ff;
      const g = below & 0xff00;
      pixels[at] =
        0xff000000 |
        ((rb + ((((colour[n] & 0xff00ff) - rb) * a) >> 8)) & 0xff00ff) |
        ((g + ((((colour[n] & 0xff00) - g) * a) >> 8)) & 0xff00);
    }
  }
}

/** A colour of the style sheet ("rgb(...)") as one opaque pixel. */
export function pixelOf(colour) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return new Uint32Array(context.getImageData(0, 0, 1, 1).data.buffer)[0] | 0xff000000;
}
