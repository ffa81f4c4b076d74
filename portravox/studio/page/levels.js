// How loud a sound is: for the eye (peaks of a waveform) and in words (a level).

const WINDOW_S = 0.05;

/** Shares and decibels below which a sound counts as one or the other; our choice, made by
 * listening: phone recordings at arm's length lie at -30 dBFS, close ones at -18. */
const SILENT_DBFS = -55;
const QUIET_DBFS = -36;
const CLIPPED_SHARE = 0.001;

/** Decibels relative to full scale; -120 for silence. */
export function dbfs(amplitude) {
  return 20 * Math.log10(Math.max(amplitude, 1e-6));
}

/** The root of the mean square of samples. */
export function rms(samples) {
  let sum = 0;
  for (const value of samples) sum += value * value;
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length);
}

/** The greatest absolute value in each of `count` equal stretches, 0..1. */
export function peaks(samples, count) {
  const found = new Float32Array(count);
  const stride = samples.length / count;
  for (let i = 0; i < count; i++) {
    const end = Math.min(samples.length, Math.ceil((i + 1) * stride));
    let greatest = 0;
    for (let j = Math.floor(i * stride); j < end; j++) {
      const size = Math.abs(samples[j]);
      if (size > greatest) greatest = size;
    }
    found[i] = Math.min(1, greatest);
  }
  return found;
}

/** "silent", "quiet", "loud" (distorted) or "good". Pauses do not count: the level is that of the
 * loudest third of the windows. */
export function levelOf(samples, rate) {
  const window = Math.max(1, Math.round(WINDOW_S * rate));
  const loudness = [];
  let clipped = 0;
  for (let first = 0; first < samples.length; first += window) {
    const part = samples.subarray(first, first + window);
    loudness.push(rms(part));
    for (const value of part) if (Math.abs(value) >= 0.999) clipped++;
  }
  loudness.sort((a, b) => b - a);
  const third = loudness.slice(0, Math.max(1, Math.ceil(loudness.length / 3)));
  const level = dbfs(third[Math.floor(third.length / 2)] ?? 0);
  if (level < SILENT_DBFS) return "silent";
  if (clipped > CLIPPED_SHARE * samples.length) return "loud";
  return level < QUIET_DBFS ? "quiet" : "good";
}
