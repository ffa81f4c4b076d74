// The microphone: blocks of samples while it runs, one sound when it stops.

/** How long a sound system may take to start; without one it never does. */
const START_MS = 4000;

/** Why there is no microphone or camera: "insecure", "refused", "stuck" or "missing". */
export function whyNoDevice(error) {
  if (error?.name === "TimeoutError") return "stuck";
  if (!navigator.mediaDevices?.getUserMedia) return "insecure";
  return error?.name === "NotAllowedError" || error?.name === "SecurityError" ? "refused" : "missing";
}

export class Recorder {
  #blocks = [];
  #stream = null;
  #context = null;

  #isLive;

  /** `onBlock(samples, seconds)` hears each block and how long the recording is. `isLive`: blocks
   * are handed on and not kept, and echoes of what this computer plays are taken out. */
  constructor(onBlock, { isLive = false } = {}) {
    this.onBlock = onBlock;
    this.#isLive = isLive;
  }

  /** What the microphone gives, as a track. */
  get track() {
    return this.#stream.getAudioTracks()[0];
  }

  /** Samples a second. */
  get rate() {
    return this.#context.sampleRate;
  }

  /** Ask for the microphone and begin. Raises what getUserMedia raises. */
  async start() {
    this.#stream = await navigator.mediaDevices.getUserMedia({
      // Where nobody talks back, cancelling echoes only costs quality.
      audio: { echoCancellation: this.#isLive, noiseSuppression: true, autoGainControl: true },
    });
    this.#context = new AudioContext();
    await this.#context.audioWorklet.addModule(new URL("./worklets/capture.js", import.meta.url));
    const capture = new AudioWorkletNode(this.#context, "capture", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    capture.port.onmessage = ({ data }) => {
      if (this.#context === null) return;
      if (!this.#isLive) this.#blocks.push(data);
      this.onBlock(data, (this.#blocks.length * data.length) / this.#context.sampleRate);
    };
    this.#context.createMediaStreamSource(this.#stream).connect(capture);
    const stuck = new Promise((_, reject) =>
      setTimeout(() => reject(new DOMException("no sound comes", "TimeoutError")), START_MS),
    );
    try {
      await Promise.race([this.#context.resume(), stuck]);
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** Let go of the microphone; {samples, rate}: what was heard, mono. */
  stop() {
    const rate = this.#context.sampleRate;
    for (const track of this.#stream.getTracks()) track.stop();
    this.#context.close();
    this.#context = null;
    const samples = new Float32Array(this.#blocks.reduce((sum, block) => sum + block.length, 0));
    let place = 0;
    for (const block of this.#blocks) {
      samples.set(block, place);
      place += block.length;
    }
    return { samples, rate };
  }
}
