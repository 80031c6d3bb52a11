/** The lab that JupyterLab looks at: its name, its model, and what is asked of it. */

import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { LabModel } from './model';
import { Requests } from './requests';
import { LabSocket } from './socket';
import { SurroundingsStore } from './surroundings';

export const ILab = new Token<ILab>('lablambda:ILab', 'The lab of lablambda that JupyterLab looks at.');
export type ILab = Lab;

export class Lab {
  readonly model = new LabModel();
  readonly surroundings = new SurroundingsStore(this.model, () => this.requests);
  requests = new Requests('default');
  private socket: LabSocket | null = null;
  private readonly _switched = new Signal<this, string>(this);

  get name(): string {
    return this.requests.lab;
  }

  /** Another lab is looked at. */
  get switched(): ISignal<this, string> {
    return this._switched;
  }

  /** Look at the lab that this server's notebooks use. */
  async begin(): Promise<void> {
    this.look((await this.requests.labs()).usual);
  }

  look(name: string): void {
    this.socket?.dispose();
    this.requests = new Requests(name);
    this.surroundings.forget();
    this.model.absent('');
    this.model.connecting();
    this.socket = new LabSocket(name, this.model);
    this._switched.emit(name);
  }
}
