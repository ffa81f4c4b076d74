// A live session over WebRTC: microphone in, picture and sound out, messages beside them.
//
// Flow      a microphone's track -> the server ; its stream -> an element ; JSON both ways
//
// The server is told no addresses of this computer, and asks nobody for its own: this page sends the
// first packet to one that the answer names. Where none arrives, the session goes over a WebSocket.

/** How long the line may take to come about: within a network it takes a tenth of it. The server
 * gives up a second earlier, so that its place is free for the WebSocket. */
const OPEN_MS = 3500;

export class Call {
  #peer = new RTCPeerConnection();
  #video;
  #channel;
  #sender;
  /** @type {(message: any) => void} */
  #onMessage = () => {};
  #onEnd = () => {};

  /**
   * @param {HTMLVideoElement} video shows and plays what comes
   * @param {MediaStreamTrack | null} microphone
   */
  constructor(video, microphone) {
    this.#video = video;
    const sound = this.#peer.addTransceiver("audio", { direction: "sendrecv" });
    this.#sender = sound.sender;
    this.hear(microphone);
    this.#peer.addTransceiver("video", { direction: "recvonly" });
    this.#channel = this.#peer.createDataChannel("events");
    this.#channel.onmessage = ({ data }) => this.#onMessage(JSON.parse(data));
    this.#channel.onclose = () => this.#onEnd();
    this.#peer.onconnectionstatechange = () => {
      if (["failed", "closed"].includes(this.#peer.connectionState)) this.#onEnd();
    };
    this.#peer.ontrack = ({ streams }) => {
      if (video.srcObject !== streams[0]) video.srcObject = streams[0];
    };
  }

  /** Whether this browser can. */
  static get isPossible() {
    return globalThis.RTCPeerConnection !== undefined;
  }

  /** Ask for a session; true once there is a line to it. Raises Refusal where the server says no. */
  async open(api) {
    const offer = await this.#peer.createOffer();
    await this.#peer.setLocalDescription(offer);
    const body = { type: "offer", sdp: offer.sdp };
    const { output } = await api.call("POST", "live/webrtc", { body });
    await this.#peer.setRemoteDescription(output);
    return new Promise((resolve) => {
      setTimeout(() => resolve(false), OPEN_MS);
      this.#channel.onopen = () => resolve(true);
      this.#onEnd = () => resolve(false);
    });
  }

  /** Have messages, and the end, told from now on. */
  follow({ onMessage, onEnd }) {
    [this.#onMessage, this.#onEnd] = [onMessage, onEnd];
  }

  tell(message) {
    if (this.#channel.readyState === "open") this.#channel.send(JSON.stringify(message));
  }

  /** From now on the server hears this track; null: nothing. */
  hear(track) {
    this.#sender.replaceTrack(track).catch(() => {}); // the line is down
  }

  /** What was told is sent before the line ends. */
  close() {
    [this.#onMessage, this.#onEnd] = [() => {}, () => {}];
    this.#video.srcObject = null; // else it hides what comes by a WebSocket
    const end = () => this.#peer.close();
    if (this.#channel.readyState === "open" && this.#channel.bufferedAmount > 0) setTimeout(end, 200);
    else end();
  }
}
