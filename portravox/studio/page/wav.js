// Sound as a file: 16-bit WAV, no larger than the service takes.

const HEADER_BYTES = 44;
const BYTES_PER_SAMPLE = 2;

/** Sampling rates to fall back to, Hz: 180 s of mono at 32 kHz are 11.5 MB. */
const LOWER_RATES = [44100, 32000];

/**
 * How to store a sound so that it fits into so many bytes: as it is, else mono, else mono at a lower
 * rate. Gives {channels, rate}; rate in Hz.
 */
export function layoutFor(seconds, channels, rate, most) {
  /** @type {[number, number][]} */
  const choices = [[Math.min(channels, 2), rate], [1, rate]];
  for (const lower of LOWER_RATES) if (lower < rate) choices.push([1, lower]);
  const fits = ([c, r]) => HEADER_BYTES + Math.ceil(seconds * r) * c * BYTES_PER_SAMPLE <= most;
  const [c, r] = choices.find(fits) ?? choices.at(-1);
  return { channels: c, rate: r };
}

/**
 * A WAV file.
 * channels   Float32Arrays of one length, -1..1; what lies beyond is clipped
 * rate       Hz
 */
export function wav(channels, rate) {
  const frames = channels[0].length;
  const dataBytes = frames * channels.length * BYTES_PER_SAMPLE;
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + dataBytes));
  const word = (place, letters) => {
    for (let i = 0; i < letters.length; i++) view.setUint8(place + i, letters.charCodeAt(i));
  };
  word(0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + dataBytes, true);
  word(8, "WAVE");
  word(12, "fmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, channels.length, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * channels.length * BYTES_PER_SAMPLE, true);
  view.setUint16(32, channels.length * BYTES_PER_SAMPLE, true);
  view.setUint16(34, 8 * BYTES_PER_SAMPLE, true);
  word(36, "data");
  view.setUint32(40, dataBytes, true);
  let place = HEADER_BYTES;
  for (let frame = 0; frame < frames; frame++) {
    for (const samples of channels) {
      const value = Math.max(-1, Math.min(1, samples[frame]));
      view.setInt16(place, Math.round(value * 32767), true);
      place += BYTES_PER_SAMPLE;
    }
  }
  return new Blob([view], { type: "audio/wav" });
}

/** A part of an AudioBuffer as a WAV file of at most so many bytes. */
export async function excerpt(buffer, from_s, to_s, most) {
  const seconds = to_s - from_s;
  const { channels, rate } = layoutFor(seconds, buffer.numberOfChannels, buffer.sampleRate, most);
  if (rate === buffer.sampleRate && channels === buffer.numberOfChannels) {
    return wav(cut(buffer, from_s, to_s), rate);
  }
  const room = new OfflineAudioContext(channels, Math.round(seconds * rate), rate);
  const source = room.createBufferSource();
  source.buffer = buffer;
  source.connect(room.destination); // mixes channels down and resamples
  source.start(0, from_s, seconds);
  const made = await room.startRendering();
  return wav(cut(made, 0, made.duration), rate);
}

function cut(buffer, from_s, to_s) {
  const first = Math.round(from_s * buffer.sampleRate);
  const last = Math.min(buffer.length, Math.round(to_s * buffer.sampleRate));
  return Array.from({ length: buffer.numberOfChannels }, (_, channel) =>
    buffer.getChannelData(channel).subarray(first, last),
  );
}
