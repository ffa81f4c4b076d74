// Pictures of sound, in the colours of the page.
import { peaks } from "./levels.js";

/** Width of the handles of a selection; styles/page.css has the same. */
export const HANDLE_PX = 16;

const BAR_PX = 2;
const STEP_PX = 4;

const measured = new WeakMap(); // AudioBuffer -> { count, bars }

function cleared(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.fillStyle = getComputedStyle(canvas).color;
  return { context, width, height };
}

function bar(context, x, share, height) {
  const size = Math.max(2, share * (height - 4));
  context.beginPath();
  context.roundRect(x, (height - size) / 2, BAR_PX, size, BAR_PX / 2);
  context.fill();
}

/** A whole recording; what is not selected is pale, and a line stands where it is playing. */
export function drawWave(canvas, buffer, { from_s, to_s, at_s, margin_px }) {
  const { context, width, height } = cleared(canvas);
  const inner = width - 2 * margin_px;
  const count = Math.floor(inner / STEP_PX);
  if (count <= 0) return;
  let known = measured.get(buffer);
  if (known?.count !== count) {
    known = { count, bars: peaks(buffer.getChannelData(0), count) };
    measured.set(buffer, known);
  }
  const highest = Math.max(0.05, ...known.bars);
  const place = (seconds) => margin_px + (inner * seconds) / buffer.duration;
  for (let i = 0; i < count; i++) {
    const seconds = ((i + 0.5) / count) * buffer.duration;
    context.globalAlpha = seconds >= from_s && seconds <= to_s ? 1 : 0.25;
    bar(context, margin_px + i * STEP_PX, known.bars[i] / highest, height);
  }
  context.globalAlpha = 1;
  if (at_s !== null) context.fillRect(place(at_s) - 0.75, 0, 1.5, height);
}

/** The latest moments of a recording, the newest at the right. */
export function drawLive(canvas, levels) {
  const { context, width, height } = cleared(canvas);
  const count = Math.floor(width / STEP_PX);
  const shown = levels.slice(-count);
  shown.forEach((level, i) => bar(context, width - (shown.length - i) * STEP_PX, level, height));
}
