// In the audio thread: hands on what the microphone hears, in blocks.

const BLOCK_FRAMES = 2048; // 43 ms at 48 kHz: a meter that keeps up

class Capture extends AudioWorkletProcessor {
  #block = new Float32Array(BLOCK_FRAMES);
  #filled = 0;

  process(inputs) {
    const heard = inputs[0][0];
    if (heard === undefined) return true; // not connected yet
    let read = 0;
    while (read < heard.length) {
      const take = Math.min(heard.length - read, BLOCK_FRAMES - this.#filled);
      this.#block.set(heard.subarray(read, read + take), this.#filled);
      this.#filled += take;
      read += take;
      if (this.#filled === BLOCK_FRAMES) {
        this.port.postMessage(this.#block, [this.#block.buffer]);
        this.#block = new Float32Array(BLOCK_FRAMES);
        this.#filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("capture", Capture);
