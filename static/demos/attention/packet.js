// Attention weights as they travel: see demos/lens/packing.py.

const HEADER = 12;
const MAGIC = 0x5741434d; // "MCAW", little-endian
const VERSION = 1;
const TRIANGLE = 1;

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Reads a packet. Rejects with an Error for bytes that are none.
 * @param {ArrayBuffer} buffer
 * @returns {Promise<{heads: number, rows: number, columns: number, weights: Uint8Array}>} weights: head by head, row by
 * row, 255 for all of a row's attention
 */
export async function readPacket(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER || view.getUint32(0, true) !== MAGIC || view.getUint8(4) !== VERSION) {
    throw new Error("These are no attention weights.");
  }
  const flags = view.getUint8(5);
  const heads = view.getUint16(6, true);
  const rows = view.getUint16(8, true);
  const columns = view.getUint16(10, true);
  const sent = await inflate(new Uint8Array(buffer, HEADER));
  const triangle = (flags & TRIANGLE) !== 0;
  const each = triangle ? (rows * (rows + 1)) / 2 : rows * columns;
  if (sent.length !== heads * each) throw new Error("Attention weights are missing.");
  if (!triangle) return { heads, rows, columns, weights: sent };
  const weights = new Uint8Array(heads * rows * columns);
  for (let head = 0, from = 0; head < heads; head++) {
    for (let row = 0; row < rows; row++) {
      weights.set(sent.subarray(from, from + row + 1), (head * rows + row) * columns);
      from += row + 1;
    }
  }
  return { heads, rows, columns, weights };
}

/** The mean of the chosen heads, 0 to 255 as floats, rows x columns. */
export function meanOf(layer, heads) {
  const size = layer.rows * layer.columns;
  const mean = new Float32Array(size);
  for (const head of heads) {
    const from = head * size;
    for (let i = 0; i < size; i++) mean[i] += layer.weights[from + i];
  }
  if (heads.length > 1) for (let i = 0; i < size; i++) mean[i] /= heads.length;
  return mean;
}
