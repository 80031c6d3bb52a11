/** The way of the live stream from the Jupyter server into the model. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Tick } from './events';
import type { LabModel } from './model';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

export class LabSocket {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wait = FIRST_WAIT_MS;
  private disposed = false;

  constructor(
    private readonly name: string,
    private readonly model: LabModel,
    private readonly settings = ServerConnection.makeSettings()
  ) {
    this.connect();
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  private connect(): void {
    const { wsUrl, token, appendToken, WebSocket } = this.settings;
    const path = URLExt.join(wsUrl, 'lablambda', 'live', encodeURIComponent(this.name));
    const socket = new WebSocket(appendToken && token ? `${path}?token=${encodeURIComponent(token)}` : path);
    this.socket = socket;
    socket.onmessage = message => {
      this.wait = FIRST_WAIT_MS;
      this.hear(JSON.parse(String(message.data)) as Tick | { absent: string });
    };
    socket.onclose = () => {
      if (!this.disposed) {
        this.model.connecting();
        this.timer = setTimeout(() => {
          this.connect();
        }, this.wait);
        this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
      }
    };
  }

  private hear(message: Tick | { absent: string }): void {
    if (this.disposed) {
      return;
    }
    if ('absent' in message) {
      this.model.absent(message.absent);
    } else {
      this.model.apply(message);
    }
  }
}
